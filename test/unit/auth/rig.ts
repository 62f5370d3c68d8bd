import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createAuthenticator } from '../../../src/auth/index.ts';
import { authSchema } from '../../../src/config/schema/auth-schema.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import type { Authenticator, Identified } from '../../../src/core/identity.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';

export const SECRET = 'correct horse battery staple, 32 bytes and more';
export const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
export const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const ED = generateKeyPairSync('ed25519');

export function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** A public key as a key server gives it. */
export function jwkOf(key: KeyObject, more: object = {}): object {
  return { ...key.export({ format: 'jwk' }), ...more };
}

export type Json = Readonly<Record<string, unknown>>;

export function encoded(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs without the library that checks. `key`: a secret, or a private key for RS256, PS256, ES256 or EdDSA. */
export function tokenOf(header: Json, claims: unknown, key: string | KeyObject): string {
  const content = `${encoded(header)}.${encoded(claims)}`;
  return `${content}.${signatureOf(content, String(header.alg), key).toString('base64url')}`;
}

function signatureOf(content: string, algorithm: string, key: string | KeyObject): Buffer {
  if (typeof key === 'string')
    return createHmac(`sha${algorithm.slice(2)}`, key)
      .update(content)
      .digest();
  const bytes = Buffer.from(content);
  if (algorithm === 'EdDSA') return signBytes(null, bytes, key);
  const isPss = algorithm.startsWith('PS');
  return signBytes('sha256', bytes, {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(isPss ? { padding: 6, saltLength: 32 } : {}),
  });
}

export interface Rig {
  readonly authenticator: Authenticator;
  /** `accepted`, or the reason of the refusal. */
  readonly check: (token: string) => Promise<string>;
  readonly stats: ReturnType<typeof createStats>;
  readonly kept: ReturnType<typeof keptLogger>;
  readonly counted: (result: string) => number;
}

/** An entry called users, with settings as a file has them. */
export async function authOf(t: TestContext | undefined, settings: object, clock: Clock = systemClock): Promise<Rig> {
  const stats = createStats();
  const kept = keptLogger();
  const parsed = authSchema.parse(settings);
  const authenticator = await createAuthenticator('users', parsed, { clock, stats, logger: kept.logger });
  t?.after(() => authenticator.close());
  return {
    authenticator,
    check: async (token) => resultOf(await authenticator.renew(token)),
    stats,
    kept,
    counted: (result) => stats.counter('tidegate_auth_total', { auth: 'users', result }).value,
  };
}

export function resultOf(identified: Identified): string {
  return 'refusal' in identified ? identified.refusal.reason : 'accepted';
}

export function claimsOf(identified: Identified): Json {
  assert.ok('identity' in identified, 'it was refused');
  return identified.identity.claims;
}

/** Resolves with the URL of a server that answers as `serve` says. */
export async function keyServer(t: TestContext, serve: RequestListener): Promise<string> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}
