import type { Clock } from '../core/clock.ts';
import { reasonOf, TidegateError } from '../core/errors.ts';
import type { Authenticator } from '../core/identity.ts';
import { WatchedFile } from '../sdk/watched-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import { EntryAuthenticator, type Methods } from './authenticator.ts';
import { Jwks } from './jwks.ts';
import { JwtVerifier } from './jwt.ts';
import { fileKeys, inlineKeys, type KeySource } from './key-source.ts';
import { Passwords } from './passwords.ts';
import type { AuthSettings, BearerSettings, JwtSettings } from './settings.ts';
import { readTokenFile, StaticTokens } from './static-tokens.ts';

export interface AuthContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Makes what checks the clients of one entry of `auth`. Rejects with TG_CONFIG_INVALID where a file of it cannot be used. */
export async function createAuthenticator(
  name: string,
  settings: AuthSettings,
  context: AuthContext,
): Promise<Authenticator> {
  const { jwt, bearer, basic, certificate, token } = settings;
  const path = `auth.${name}`;
  const verifier = jwt === undefined ? undefined : await verifierOf(name, jwt, context);
  try {
    const tokens = bearer === undefined ? undefined : await tokensOf(`${path}.bearer`, bearer, context);
    const methods: Methods = {
      jwt: verifier,
      tokens: tokens?.known,
      passwords: basic === undefined ? undefined : configured(`${path}.basic`, () => new Passwords(basic)),
      certificate: certificate !== undefined,
      close: () => {
        verifier?.close();
        tokens?.close();
      },
    };
    return new EntryAuthenticator({ ...context, name, places: token, methods });
  } catch (error) {
    verifier?.close();
    throw error;
  }
}

async function verifierOf(name: string, jwt: JwtSettings, context: AuthContext): Promise<JwtVerifier> {
  return new JwtVerifier(jwt, await keysFor(name, jwt, context), context.clock);
}

async function keysFor(name: string, jwt: JwtSettings, context: AuthContext): Promise<KeySource> {
  const path = `auth.${name}.jwt`;
  const known = configured(path, () => inlineKeys(jwt)) ?? (await fileKeys(jwt, path, context));
  if (known !== undefined) return known;
  const { jwks: url = '', algorithms, cache, max_stale: maxStale, refetch, timeout } = jwt;
  return new Jwks({ ...context, name, url, algorithms, cache, maxStale, refetch, timeout });
}

interface KnownTokens {
  readonly known: () => StaticTokens;
  readonly close: () => void;
}

async function tokensOf(path: string, { tokens, file }: BearerSettings, context: AuthContext): Promise<KnownTokens> {
  if (file === undefined) {
    const known = new StaticTokens(tokens ?? {});
    return { known: () => known, close: () => {} };
  }
  const watched = await WatchedFile.open({ ...context, path: file, setting: `${path}.file`, read: readTokenFile });
  return { known: () => watched.content, close: () => watched.close() };
}

/** What the schema refuses as well, at its place. */
function configured<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new TidegateError('TG_CONFIG_INVALID', `${path}: ${reasonOf(error)}`);
  }
}
