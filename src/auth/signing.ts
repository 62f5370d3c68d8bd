import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Algorithm, fits } from './algorithms.ts';
import type { JwtSettings } from './settings.ts';
import { secretKeyFor } from './verification-key.ts';

export interface TokenContent {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970; one without has no end. */
  readonly expires?: number | undefined;
  readonly now: number;
  /** Name of the key. */
  readonly id?: string | undefined;
}

interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

/**
 * Makes a token that the entry accepts, for trying it out: signed with its secret, or with the private key in `pem`. Issuer and
 * audience are those of the entry unless the claims say otherwise. Rejects with an Error that says what is missing.
 */
export async function signToken(jwt: JwtSettings, pem: string | undefined, content: TokenContent): Promise<string> {
  const { key, algorithm } = pem === undefined ? ownSecret(jwt) : privateKey(jwt, pem);
  const { claims, expires, now, id } = content;
  const [issuer] = jwt.issuer;
  const [audience] = jwt.audience;
  const { SignJWT } = await import('jose');
  const seconds = (time: number) => Math.floor(time / 1_000);
  return new SignJWT({
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
    iat: seconds(now),
    ...(expires === undefined ? {} : { exp: seconds(expires) }),
    ...claims,
  })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(id === undefined ? {} : { kid: id }) })
    .sign(key);
}

function ownSecret({ secret, algorithms }: JwtSettings): SigningKey {
  const [algorithm] = algorithms;
  if (secret === undefined || algorithm === undefined)
    throw new Error('it has no secret to sign with; give the private key of the issuer with --key');
  return { key: secretKeyFor(secret, algorithms), algorithm };
}

function privateKey({ algorithms }: JwtSettings, pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error('this is not a private key in PEM without a passphrase');
  }
  const algorithm = algorithms.find((name) => fits(createPublicKey(pem), name));
  if (algorithm === undefined) throw new Error(`its key is for none of ${algorithms.join(', ')}`);
  return { key, algorithm };
}
