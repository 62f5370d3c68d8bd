const BYTES = 32;

/** What is wrong with the text of a key; it does not quote the text. */
export const SECRET_KEY_RULE = `expected ${BYTES} bytes as base64 or hex, such as openssl rand -base64 ${BYTES} prints`;

/** The bytes of a key for AES-256, written as base64 or hex; undefined where the text is not such a key. */
export function secretKeyOf(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === BYTES ? bytes : undefined;
}
