import type { IncomingHttpHeaders } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import type { Repeated } from './repeated.ts';

/** Who a client is. */
export interface Identity {
  /** What expressions and the patterns of `allow` see as `auth`; frozen. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970 after which it is no longer valid; undefined where it has no end. */
  readonly expires?: number;
}

/** What a client shows of itself in its handshake or HTTP request. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders;
  readonly query: Readonly<Record<string, string>>;
  /** What of these came more than once. */
  readonly repeated?: Repeated;
  /** Of a TLS connection whose client was asked for one, verified. */
  readonly certificate?: PeerCertificate;
  /** IP address of the client, for the log. */
  readonly address?: string;
}

/** Why a client is not let in. */
export interface IdentityRefusal {
  /** 401: without credentials, or with wrong ones. 503: they cannot be checked now. */
  readonly status: 401 | 503;
  /** Label for the metric and code in the answer, such as token_missing, token_expired, token_invalid, keys_unavailable. */
  readonly reason: string;
  /** For the developer of the client; never holds anything of the credentials. */
  readonly message: string;
  /** Value of WWW-Authenticate (RFC 9110 11.6.1). */
  readonly challenge?: string;
}

export type Identified = { readonly identity: Identity } | { readonly refusal: IdentityRefusal };

/** One entry of the section `auth`: checks who clients are. */
export interface Authenticator {
  readonly name: string;
  /** Never rejects. */
  identify(credentials: Credentials): Promise<Identified>;
  /** Whether a client shows anything of itself. */
  isShown(credentials: Credentials): boolean;
  /** Checks a token that came over an open connection. Never rejects. */
  renew(token: string): Promise<Identified>;
  /** Whether an offered subprotocol carries a token: it is left out of what is negotiated. */
  isTokenProtocol(subprotocol: string): boolean;
  close(): void;
}
