import type { JWTPayload } from 'jose';
import type { Clock } from '../core/clock.ts';
import type { Identity } from '../core/identity.ts';
import { isTooDeep } from '../core/nesting.ts';
import { type Algorithm, fits } from './algorithms.ts';
import { type KeySet, type KeySource, KeysUnavailable } from './key-source.ts';
import type { RefusalReason } from './refusals.ts';
import type { JwtSettings } from './settings.ts';
import { readToken, type TokenHeader } from './token-form.ts';

/** The identity of the client, or why it has none. */
export type Verdict = { readonly identity: Identity } | { readonly reason: RefusalReason };

/** It is loaded with the first token. */
const loadJose = () => import('jose');
let jose: ReturnType<typeof loadJose> | undefined;

/** Checks tokens of RFC 7519. */
export class JwtVerifier {
  private readonly settings: JwtSettings;
  private readonly keys: KeySource;
  private readonly clock: Clock;

  constructor(settings: JwtSettings, keys: KeySource, clock: Clock) {
    this.settings = settings;
    this.keys = keys;
    this.clock = clock;
  }

  /** Rejects only for a mistake of ours. */
  async verify(token: string): Promise<Verdict> {
    const header = readToken(token);
    if (header === undefined) return { reason: 'token_malformed' };
    const algorithm = this.settings.algorithms.find((name) => name === header.alg);
    if (algorithm === undefined) return { reason: 'token_algorithm' };
    const since = this.clock.elapsed();
    try {
      let keys = await this.keys.current();
      for (;;) {
        const verdict = await this.verifyWith(keys, algorithm, header, token);
        if (!isForOtherKey(verdict, keys, header)) return verdict;
        // The issuer may sign with a key that is newer than those that are known.
        const newer = await this.keys.after(keys, since);
        if (newer === undefined || newer === keys) return verdict;
        keys = newer;
      }
    } catch (error) {
      if (error instanceof KeysUnavailable) return { reason: 'keys_unavailable' };
      throw error;
    }
  }

  close(): void {
    this.keys.close();
  }

  /** With each key that may have signed it. */
  private async verifyWith(keys: KeySet, algorithm: Algorithm, header: TokenHeader, token: string): Promise<Verdict> {
    let verdict: Verdict = { reason: 'key_unknown' };
    for (const { key, id, algorithm: only } of keys) {
      if (id !== undefined && header.kid !== undefined && id !== header.kid) continue;
      if ((only !== undefined && only !== algorithm) || !fits(key, algorithm)) continue;
      verdict = await this.verifyOnce(key, algorithm, token);
      if (!('reason' in verdict) || verdict.reason !== 'token_signature') return verdict;
    }
    return verdict;
  }

  private async verifyOnce(key: KeySet[number]['key'], algorithm: Algorithm, token: string): Promise<Verdict> {
    jose ??= loadJose();
    const { jwtVerify } = await jose;
    const { issuer, audience, clock_skew } = this.settings;
    try {
      const { payload } = await jwtVerify(token, key, {
        // The one that the key was chosen for.
        algorithms: [algorithm],
        ...(issuer.length === 0 ? {} : { issuer: [...issuer] }),
        ...(audience.length === 0 ? {} : { audience: [...audience] }),
        clockTolerance: clock_skew / 1_000,
        currentDate: new Date(this.clock.now()),
      });
      return isTooDeep(payload) ? { reason: 'token_malformed' } : { identity: identityOf(payload, clock_skew) };
    } catch (error) {
      return { reason: reasonFor(error) };
    }
  }
}

/** A key that has no name says nothing about whether it is the one. */
function isForOtherKey(verdict: Verdict, keys: KeySet, { kid }: TokenHeader): boolean {
  if (!('reason' in verdict)) return false;
  if (verdict.reason === 'key_unknown') return true;
  return verdict.reason === 'token_signature' && (kid === undefined || !keys.some(({ id }) => id === kid));
}

/** What the clock may differ by counts at the end, too: otherwise a token could be accepted and have expired at once. */
function identityOf(payload: JWTPayload, skew: number): Identity {
  const claims = frozen(payload) as Record<string, unknown>;
  const expires = payload.exp === undefined ? Number.NaN : payload.exp * 1_000 + skew;
  return Number.isFinite(expires) ? { claims, expires } : { claims };
}

/** Expressions of all kinds see it. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

const CLAIMS: Readonly<Record<string, RefusalReason>> = {
  nbf: 'token_not_yet_valid',
  iss: 'token_issuer',
  aud: 'token_audience',
};

/** https://github.com/panva/jose/blob/main/docs/util/errors/README.md */
function reasonFor(error: unknown): RefusalReason {
  const { code, claim = '', reason } = error as { code?: string; claim?: string; reason?: string };
  switch (code) {
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'token_signature';
    case 'ERR_JWT_EXPIRED':
      return 'token_expired';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return reason === 'invalid' ? 'token_malformed' : (CLAIMS[claim] ?? 'token_malformed');
    case 'ERR_JWS_INVALID':
    case 'ERR_JWT_INVALID':
    case 'ERR_JOSE_NOT_SUPPORTED':
      return 'token_malformed';
    default:
      throw error;
  }
}
