import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { ALGORITHM_NAMES, type Algorithm, fits, leastSecretBytes, usesSecret, weakness } from './algorithms.ts';

/** A key that signatures are checked with. */
export interface VerificationKey {
  readonly key: KeyObject;
  /** Its name in tokens (`kid`); a key without one is tried for each token. */
  readonly id?: string | undefined;
  /** The only algorithm that it is for, where it says so. */
  readonly algorithm?: Algorithm | undefined;
}

/** Keys that one set may have: a token that names none of them is checked with each. */
const MAX_KEYS = 64;

/** The public key in a PEM: a key (SPKI or PKCS #1) or a certificate. Throws an Error that does not quote it. */
export function publicKeyOf(pem: string): KeyObject {
  if (pem.includes('PRIVATE KEY'))
    throw new Error('this is a private key, which signs tokens; give the public key that belongs to it');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Error('this is not a public key or certificate in PEM, which begins with -----BEGIN');
  }
  const weak = weakness(key);
  if (weak !== undefined) throw new Error(weak);
  if (!ALGORITHM_NAMES.some((name) => fits(key, name)))
    throw new Error(`keys of the type ${key.asymmetricKeyType} are for none of the known algorithms`);
  return key;
}

/** Throws an Error that does not quote the secret, where it could be guessed, or is a public key. */
export function secretKeyFor(secret: string, algorithms: readonly Algorithm[]): KeyObject {
  if (isPublic(secret))
    throw new Error('this is a public key, which is no secret: anyone could sign tokens; set key in place of secret');
  const bytes = Buffer.from(secret);
  const least = leastSecretBytes(algorithms);
  if (bytes.length < least)
    throw new Error(
      `it has ${bytes.length} bytes, and ${algorithms.join(', ')} needs at least ${least}, such as openssl rand -base64 ${least} prints`,
    );
  return createSecretKey(bytes);
}

function isPublic(secret: string): boolean {
  if (/-----BEGIN|^\s*(?:ssh-|ecdsa-)|"kty"/.test(secret)) return true;
  try {
    createPublicKey({ key: Buffer.from(secret, 'base64'), format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
}

/** The keys of a JWK set (RFC 7517) that are of use here; a secret only where `algorithms` are for secrets. Throws an Error that quotes nothing. */
export function keysOfJwks(text: string, algorithms: readonly Algorithm[]): VerificationKey[] {
  const entries = entriesOf(text);
  if (entries.length > MAX_KEYS) throw new Error(`it has ${entries.length} keys; at most ${MAX_KEYS} are read`);
  const reasons = new Set<string>();
  const keys = entries.flatMap((entry) => {
    const key = keyOfJwk(entry, algorithms);
    if (typeof key !== 'string') return [key];
    reasons.add(key);
    return [];
  });
  if (keys.length > 0) return keys;
  throw new Error(
    entries.length === 0
      ? 'it has no keys'
      : `none of its ${entries.length} keys can be used: ${[...reasons].join('; ')}`,
  );
}

function entriesOf(text: string): unknown[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // What a parser says of it quotes it.
    throw new Error('it is not JSON');
  }
  const keys = typeof content === 'object' && content !== null ? (content as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys)) throw new Error('it is not a set of keys, which is an object with a list called keys');
  return keys;
}

type Jwk = Readonly<Record<string, unknown>>;

/** Or why it cannot be used. */
function keyOfJwk(entry: unknown, algorithms: readonly Algorithm[]): VerificationKey | string {
  if (typeof entry !== 'object' || entry === null) return 'one is not an object';
  const jwk = entry as Jwk;
  const { use, key_ops: uses, alg, kid } = jwk;
  if ((use ?? 'sig') !== 'sig' || (Array.isArray(uses) && !uses.includes('verify')))
    return 'one is not for checking signatures';
  const key = keyObjectOf(jwk, algorithms);
  if (typeof key === 'string') return key;
  const weak = weakness(key);
  if (weak !== undefined) return weak;
  const named = alg === undefined ? algorithms : algorithms.filter((name) => name === alg);
  if (!named.some((name) => fits(key, name))) return `one is for none of ${algorithms.join(', ')}`;
  return { key, id: typeof kid === 'string' ? kid : undefined, algorithm: alg === undefined ? undefined : named[0] };
}

function keyObjectOf(jwk: Jwk, algorithms: readonly Algorithm[]): KeyObject | string {
  const { kty, k, n, e, crv, x, y } = jwk;
  if (kty === 'oct') {
    if (typeof k !== 'string' || !algorithms.every(usesSecret)) return 'one is a secret';
    return createSecretKey(Buffer.from(k, 'base64url'));
  }
  try {
    // Only its public part, whatever else it holds.
    const isRsa = kty === 'RSA';
    return createPublicKey({ key: (isRsa ? { kty, n, e } : { kty, crv, x, y }) as JsonWebKey, format: 'jwk' });
  } catch {
    return 'one is malformed, or of an unknown type';
  }
}
