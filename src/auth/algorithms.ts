import type { KeyObject } from 'node:crypto';

/** What a signature is made with: a shared secret, or one half of a pair of keys. */
type Algorithms = Readonly<
  Record<
    string,
    { readonly type: 'secret'; readonly bytes: number } | { readonly type: string; readonly curve?: string }
  >
>;

/**
 * The algorithms of RFC 7518 3.1 and RFC 8037 that are checked here. `bytes`: shortest secret (RFC 7518 3.2). `type` and `curve`
 * are Node's names for the key. There is no `none`, and a public key is never taken as a secret, because its type is another one.
 */
const ALGORITHMS = {
  HS256: { type: 'secret', bytes: 32 },
  HS384: { type: 'secret', bytes: 48 },
  HS512: { type: 'secret', bytes: 64 },
  RS256: { type: 'rsa' },
  RS384: { type: 'rsa' },
  RS512: { type: 'rsa' },
  PS256: { type: 'rsa' },
  PS384: { type: 'rsa' },
  PS512: { type: 'rsa' },
  ES256: { type: 'ec', curve: 'prime256v1' },
  ES384: { type: 'ec', curve: 'secp384r1' },
  ES512: { type: 'ec', curve: 'secp521r1' },
  EdDSA: { type: 'ed25519' },
} as const satisfies Algorithms;

export type Algorithm = keyof typeof ALGORITHMS;

export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as [Algorithm, ...Algorithm[]];

/** Bits of an RSA key (RFC 7518 3.3), and where checking a signature takes too long. */
const RSA_BITS = { least: 2_048, most: 8_192 };

/** Whether signer and checker have the same secret, so that a program that can check can also sign. */
export function usesSecret(algorithm: Algorithm): boolean {
  return ALGORITHMS[algorithm].type === 'secret';
}

/** Whether signatures of that algorithm can be checked with the key. */
export function fits(key: KeyObject, algorithm: Algorithm): boolean {
  const wanted: Algorithms[string] = ALGORITHMS[algorithm];
  if ('bytes' in wanted) return key.type === 'secret' && (key.symmetricKeySize ?? 0) >= wanted.bytes;
  if (key.type !== 'public' || key.asymmetricKeyType !== wanted.type) return false;
  return wanted.curve === undefined || key.asymmetricKeyDetails?.namedCurve === wanted.curve;
}

/** Bytes that a secret needs for all of these algorithms. */
export function leastSecretBytes(algorithms: readonly Algorithm[]): number {
  const lengths = algorithms.map((name) => {
    const { [name]: entry } = ALGORITHMS;
    return 'bytes' in entry ? entry.bytes : 0;
  });
  return Math.max(0, ...lengths);
}

/** Why no signature should be believed that is checked with the key; undefined for nothing. */
export function weakness(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < RSA_BITS.least || modulusLength > RSA_BITS.most)
    return `its RSA key has ${modulusLength} bits; use one with ${RSA_BITS.least} to ${RSA_BITS.most}`;
  return publicExponent < 3n ? 'the exponent of its RSA key is too small' : undefined;
}
