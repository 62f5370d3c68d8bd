import type { Credentials, Identity, IdentityRefusal } from './identity.ts';
import type { Permissions } from './permissions.ts';

/** What an endpoint knows of a client that it lets in. */
export interface Access {
  /** Undefined where the endpoint does not ask who its clients are. */
  readonly identity: Identity | undefined;
  readonly permissions: Permissions;
  /** What the configuration calls it among the members of its room; undefined: the codec chooses. */
  readonly name: string | undefined;
  /** Channels that it is in from the start. */
  readonly channels?: readonly string[];
}

/** Why a client is not let in. 403: it is known who it is, and it may not. */
export type AccessRefusal = Omit<IdentityRefusal, 'status'> & { readonly status: IdentityRefusal['status'] | 403 };

export type Granted = { readonly access: Access } | { readonly refusal: AccessRefusal };

/** `later`: it has shown nothing, and says who it is in its first command. */
export type Admitted = Granted | { readonly later: true };

/** Parameters of the path that a client came by, percent-decoded. */
export type PathParams = Readonly<Record<string, string>>;

/** What a client said in its handshake, as messages of it have it in `meta`. */
export interface HandshakeFacts {
  readonly params: PathParams;
  readonly query: Readonly<Record<string, string>>;
  /** Headers of the handshake that the endpoint lists, in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Finds out who the clients of an endpoint are, and what each of them may do. */
export interface AccessPort {
  /** Whether a client may send a new token on its open connection. */
  readonly renews: boolean;
  /** Seconds that a client has to do so once its token has expired. */
  readonly grace: number;
  /** Whether an offered subprotocol carries a token. */
  isTokenProtocol(subprotocol: string): boolean;
  /** Never rejects. */
  admit(credentials: Credentials, params: PathParams): Promise<Admitted>;
  /** The same for a token that came over an open connection. Never rejects. */
  renew(token: string, facts: HandshakeFacts): Promise<Granted>;
}
