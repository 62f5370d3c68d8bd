import { ownEntry } from '../core/own-entry.ts';
import type { Algorithm } from './algorithms.ts';

/** Where a client may put its token. */
export type TokenPlace = 'header' | 'protocol' | { readonly query: string } | { readonly cookie: string };

/** One of `jwks`, `jwks_file`, `secret`, `key`, `key_file` and `keys` is set. Durations are milliseconds. */
export interface JwtSettings {
  readonly jwks?: string | undefined;
  readonly jwks_file?: string | undefined;
  readonly secret?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  readonly key_file?: string | undefined;
  /** PEM by key id. */
  readonly keys?: Readonly<Record<string, string>> | undefined;
  readonly algorithms: readonly Algorithm[];
  /** Any of them; empty: not checked. The same for `audience`. */
  readonly issuer: readonly string[];
  readonly audience: readonly string[];
  readonly clock_skew: number;
  readonly cache: number;
  readonly max_stale: number;
  readonly refetch: number;
  readonly timeout: number;
}

export interface BearerSettings {
  /** Tokens by the name of their owner. */
  readonly tokens?: Readonly<Record<string, string>> | undefined;
  readonly file?: string | undefined;
}

/** One entry of the section `auth`. */
export interface AuthSettings {
  readonly jwt?: JwtSettings | undefined;
  readonly bearer?: BearerSettings | undefined;
  /** Passwords, or hashes of them, by user. */
  readonly basic?: Readonly<Record<string, string>> | undefined;
  readonly certificate?: object | undefined;
  readonly token: readonly TokenPlace[];
}

/** The entry that something names, such as an endpoint. */
export function authOf(
  { auth }: { readonly auth?: string | undefined },
  entries: Readonly<Record<string, AuthSettings>>,
): AuthSettings | undefined {
  return auth === undefined ? undefined : ownEntry(entries, auth);
}
