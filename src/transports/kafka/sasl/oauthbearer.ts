import { reasonOf, TidegateError } from '../../../core/errors.ts';
import type { TokenSource } from './token-source.ts';

/** Separates the parts of the messages (RFC 7628 3.1). */
const SEPARATOR = '\u0001';
/** The answer to a broker that has explained why it refuses, after which it ends the exchange (3.2.3). */
const GO_ON = Buffer.from(SEPARATOR);

/** There is no token, or none that the broker takes. */
export class NoToken extends Error {}

/** What kafkajs hands to an authenticator: one round of the exchange, in the frames that it has. */
interface Exchange {
  readonly saslAuthenticate: (round: {
    readonly request: { encode(): Promise<Buffer> };
    readonly response: { decode(bytes: Buffer): Buffer; parse(bytes: Buffer): Buffer };
  }) => Promise<Buffer>;
}

/**
 * SASL OAUTHBEARER. That of kafkajs takes a token that the broker refuses for accepted, because the broker explains that in an
 * answer that is none of an error.
 */
export function oauthbearerProvider(tokens: TokenSource, extensions: Readonly<Record<string, string>>) {
  return ({ saslAuthenticate }: Exchange) => ({
    authenticate: async (): Promise<void> => {
      const token = await tokens.token().catch((error: unknown) => {
        throw new NoToken(reasonOf(error), { cause: error });
      });
      const round = async (bytes: Buffer) =>
        saslAuthenticate({
          request: { encode: async () => sized(bytes) },
          response: { decode: unsized, parse: itself },
        });
      try {
        const refusal = await round(Buffer.from(firstMessage(token, extensions)));
        if (refusal.length === 0) return;
        // The broker's own error says no more than that it failed.
        await round(GO_ON).catch(() => undefined);
        throw new NoToken(`the broker refuses the token: ${shown(refusal)}`);
      } catch (error) {
        tokens.forget(token);
        throw error;
      }
    },
  });
}

function firstMessage(token: string, extensions: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(extensions).map(([name, value]) => `${name}=${value}${SEPARATOR}`);
  return `n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${pairs.join('')}${SEPARATOR}`;
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function unsized(bytes: Buffer): Buffer {
  if (bytes.length < 4) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the answer of the broker to a token is damaged');
  return bytes.subarray(4);
}

function itself(bytes: Buffer): Buffer {
  return bytes;
}

/** JSON with `status`, such as invalid_token. */
function shown(refusal: Buffer): string {
  const text = refusal.toString();
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    if (typeof status === 'string') return status.slice(0, 200);
  } catch {
    // In words of its own.
  }
  return text.slice(0, 200);
}
