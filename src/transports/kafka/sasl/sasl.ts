import { systemClock } from '../../../core/clock.ts';
import { NoToken, oauthbearerProvider } from './oauthbearer.ts';
import type { SaslSettings } from './schema.ts';
import { TokenSource } from './token-source.ts';

/** The settings in the form of kafkajs; null where brokers want no authentication. */
export function saslOf(settings: SaslSettings | undefined): object | null {
  if (settings === undefined) return null;
  const { mechanism, username, password, oauthbearer } = settings;
  if (oauthbearer === undefined) return { mechanism, username, password };
  const tokens = new TokenSource(oauthbearer, systemClock);
  return { mechanism, authenticationProvider: oauthbearerProvider(tokens, oauthbearer.extensions) };
}

/** Where to look if brokers refuse. */
function saslAdvice(sasl: object | null): string {
  const { mechanism } = (sasl ?? { mechanism: '' }) as { mechanism: string };
  return mechanism === 'oauthbearer'
    ? 'check log.sasl.oauthbearer, and which issuer, audience and scope the brokers expect'
    : 'check username, password and mechanism in log.sasl';
}

/** Codes by which a broker refuses: UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED. */
const REFUSALS: ReadonlySet<unknown> = new Set([33, 34, 58]);

/** What kafkajs also says of an authentication in whose middle the connection ended. */
const OF_THE_NETWORK = /Closed connection|Connection error|Not connected|timed out/;

/** A broker refuses to authenticate this gateway, or this gateway has nothing to authenticate with. It has no code of Kafka. */
export class AuthenticationFailed extends Error {}

/** An error of an exchange as one that says at which broker, and where to look; any other as it is. */
export function explainAuthentication(error: unknown, broker: string, sasl: object | null): unknown {
  if (!isAuthentication(error)) return error;
  const { message } = error as Error;
  const what = message.startsWith('SASL ') ? message : `SASL authentication failed: ${message}`;
  return new AuthenticationFailed(`${broker}: ${what}; ${saslAdvice(sasl)}`, { cause: error });
}

function isAuthentication(error: unknown): boolean {
  if (error instanceof NoToken) return true;
  const { name, code, message } = error as { name?: unknown; code?: unknown; message?: unknown };
  if (name === 'KafkaJSSASLAuthenticationError') return !OF_THE_NETWORK.test(String(message));
  return REFUSALS.has(code);
}
