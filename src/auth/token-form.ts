/** What a token says of its signature. */
export interface TokenHeader {
  /** Whatever the token says; it is compared with those that are allowed. */
  readonly alg: string;
  readonly kid?: string;
}

/** Characters; all headers of a request have 16 KiB together. */
const MAX_LENGTH = 16_384;

/** The header of a token in the compact form of RFC 7515 7.1; undefined for what does not have that form. */
export function readToken(token: string): TokenHeader | undefined {
  if (token.length > MAX_LENGTH) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined;
  const header = parsed(parts[0] as string); // there are three
  if (header === undefined) return undefined;
  const { alg, kid } = header;
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return undefined;
  return kid === undefined ? { alg } : { alg, kid };
}

/** Decoders also take padding, other characters and other bits at the end, so that one token could be written in many ways. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function parsed(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
