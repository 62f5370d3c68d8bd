import type { Effect, Farewell, IntroductionRefusal, Rejection } from '../../sdk/index.ts';

/** An error in the answer to a command. */
export interface ProtocolError {
  readonly code: number;
  readonly message: string;
  /** The client may ask again. */
  readonly temporary?: true;
}

/** Numbers of the protocol; https://centrifugal.dev/docs/server/codes has their meaning. */
const CODES = { internal: 100, unauthorized: 101, denied: 103, unknownMethod: 104, limit: 106, bad: 107 } as const;
const MORE_CODES = { notOffered: 108, tokenExpired: 109, tooMany: 111, lost: 112 } as const;

export const UNKNOWN_METHOD: ProtocolError = { code: CODES.unknownMethod, message: 'method not found' };
export const NOT_OFFERED: ProtocolError = { code: MORE_CODES.notOffered, message: 'not available' };
export const NO_DATA: ProtocolError = { code: CODES.bad, message: 'bad request: data is missing' };
export const UNRECOVERABLE: ProtocolError = { code: MORE_CODES.lost, message: 'unrecoverable position' };
const DENIED: ProtocolError = { code: CODES.denied, message: 'permission denied' };
const UNAUTHORIZED: ProtocolError = { code: CODES.unauthorized, message: 'unauthorized' };
const TOKEN_EXPIRED: ProtocolError = { code: MORE_CODES.tokenExpired, message: 'token expired' };

/** Client libraries come back by themselves after 3000 to 3499, and not after 3500 to 3999. */
const INVALID_TOKEN: Farewell = { code: 3500, reason: 'invalid token' };
const STALE: Farewell = { code: 3502, reason: 'stale' };
const CONNECTION_LIMIT: Farewell = { code: 3504, reason: 'connection limit' };
export const INSUFFICIENT_STATE: Farewell = { code: 3010, reason: 'insufficient state' };

/** The protocol's own codes for closes of the gateway that have one. */
const FAREWELLS: ReadonlyMap<number, Farewell> = new Map([
  [1008, { code: 3008, reason: 'slow' }],
  [1011, { code: 3004, reason: 'internal server error' }],
  [1012, { code: 3001, reason: 'shutdown' }],
  [1013, { code: 3004, reason: 'internal server error' }],
  [4401, { code: 3005, reason: 'connection expired' }],
  [4403, INVALID_TOKEN],
  [4408, STALE],
]);

export function farewellOf(farewell: Farewell): Farewell {
  return FAREWELLS.get(farewell.code) ?? farewell;
}

/** Malformed commands, and commands in a wrong order: the client is closed, and does not come back by itself. */
export function badRequest(why: string): Effect {
  return { type: 'close', code: 3501, reason: `bad request: ${why}` };
}

/** Label of a token that has expired, in refusals of renewals. */
const EXPIRED = 'token_expired';

export function errorOf({ code, message, retryable }: Rejection): ProtocolError {
  switch (code) {
    case 'TG_NOT_ALLOWED':
    case 'TG_NOT_SUBSCRIBED':
      return DENIED;
    case 'TG_LIMIT_REACHED':
      return { code: CODES.limit, message };
    case 'TG_TOKEN_REFUSED':
      return message.startsWith(EXPIRED) ? TOKEN_EXPIRED : UNAUTHORIZED;
    default:
      if (retryable) return { code: CODES.internal, message: `${code}: ${message}`, temporary: true };
      return { code: CODES.bad, message: `${code}: ${message}` };
  }
}

/** Refused tokens that come again are refused again: they end the connection for good. */
export function refusalOf({ status, reason, message }: IntroductionRefusal): ProtocolError | Farewell {
  if (status === 503) return { code: CODES.internal, message, temporary: true };
  if (status === 429) return CONNECTION_LIMIT;
  if (status === 403) return { code: CODES.denied, message };
  if (reason === EXPIRED) return TOKEN_EXPIRED;
  return reason === 'token_missing' ? UNAUTHORIZED : INVALID_TOKEN;
}

/** A renewal is refused because the one before it is still being checked. */
export function tooManyOf({ message }: Rejection): ProtocolError {
  return { code: MORE_CODES.tooMany, message, temporary: true };
}
