import type { IdentityRefusal } from '../core/identity.ts';

interface Entry {
  readonly message: string;
  readonly status?: 401 | 503;
  readonly error?: string;
}

/** What is refused, and what the developer of the client reads about it. `error`: RFC 6750 3.1. */
const REFUSALS = {
  token_missing: { message: 'this needs credentials, and there are none' },
  several_credentials: { error: 'invalid_request', message: 'send one token or password, at one place' },
  token_malformed: { error: 'invalid_token', message: 'the token does not have the form of a token' },
  token_algorithm: {
    error: 'invalid_token',
    message: 'the token is signed with an algorithm that is not allowed here',
  },
  token_signature: { error: 'invalid_token', message: 'the signature of the token is wrong' },
  token_expired: { error: 'invalid_token', message: 'the token has expired; get a new one' },
  token_not_yet_valid: { error: 'invalid_token', message: 'the token is not valid yet; compare the clocks' },
  token_issuer: { error: 'invalid_token', message: 'the token is of an issuer that is not accepted here' },
  token_audience: { error: 'invalid_token', message: 'the token is for another audience' },
  token_unknown: { error: 'invalid_token', message: 'the token is not one of those that are accepted here' },
  key_unknown: { error: 'invalid_token', message: 'the key that signed the token is not one of the known keys' },
  password_wrong: { message: 'the user or the password is wrong' },
  keys_unavailable: { status: 503, message: 'the keys to check the token with are not available; try again later' },
  busy: { status: 503, message: 'too many passwords are being checked; try again later' },
  failed: { status: 503, message: 'the credentials could not be checked; the log of the gateway says why' },
} as const satisfies Readonly<Record<string, Entry>>;

/**
 * What the operator reads: refusals that come of a setting, of a key or of guessing. The others, such as tokens that have expired,
 * are everyday business of clients.
 */
export const OPERATORS_ADVICE: Readonly<Partial<Record<RefusalReason, string>>> = {
  token_algorithm: 'compare alg of their tokens with jwt.algorithms',
  token_signature: 'their tokens are forged, or of an issuer with other keys; compare iss and kid with the keys of jwt',
  token_issuer: 'compare iss of their tokens with jwt.issuer',
  token_audience: 'compare aud of their tokens with jwt.audience',
  token_unknown: 'it guesses, or the token was removed from bearer',
  key_unknown: 'compare kid of their tokens with the keys of jwt',
  password_wrong: 'it guesses, or has an old password',
  busy: 'hashes take time on purpose; look which addresses send so many passwords, and limit handshakes by address',
};

export type RefusalReason = keyof typeof REFUSALS;

export const REFUSAL_REASONS = Object.keys(REFUSALS) as RefusalReason[];

/** Schemes of HTTP that a client may use. */
export interface Schemes {
  readonly bearer: boolean;
  readonly basic: boolean;
}

const REALM = 'realm="tidegate"';

/** Nothing in it comes from the client. */
export function refusalFor(reason: RefusalReason, schemes: Schemes): IdentityRefusal {
  const { message, status = 401, error }: Entry = REFUSALS[reason];
  if (status === 503) return { status, reason, message };
  const facts = error === undefined ? '' : `, error="${error}", error_description="${message}"`;
  const challenges = [
    ...(schemes.bearer ? [`Bearer ${REALM}${facts}`] : []),
    // RFC 7617 2.1
    ...(schemes.basic ? [`Basic ${REALM}, charset="UTF-8"`] : []),
  ];
  return { status, reason, message, ...(challenges.length === 0 ? {} : { challenge: challenges.join(', ') }) };
}
