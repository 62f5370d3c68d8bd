import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Authenticator, Credentials, Identified } from '../../src/core/identity.ts';

const PREFIX = 'bearer.';

type Claims = Readonly<Record<string, unknown>> & { readonly exp?: number };

/** Tokens of claims and their HMAC, in a header, the query or a subprotocol. `exp` is in milliseconds. */
export class HmacAuthenticator implements Authenticator {
  readonly name: string;
  /** What each check waits for: a key server that takes its time. */
  delay: Promise<void> | undefined;
  /** Checks that have begun. */
  checks = 0;
  isClosed = false;

  constructor(name = 'users') {
    this.name = name;
  }

  /** A token of these claims. */
  sign(claims: Claims): string {
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${text}.${mac(text)}`;
  }

  identify({ headers, query }: Credentials): Promise<Identified> {
    return this.check(this.tokenIn({ headers, query }));
  }

  isShown(credentials: Credentials): boolean {
    return this.tokenIn(credentials) !== undefined;
  }

  renew(token: string): Promise<Identified> {
    return this.check(token);
  }

  isTokenProtocol(subprotocol: string): boolean {
    return subprotocol.startsWith(PREFIX);
  }

  close(): void {
    this.isClosed = true;
  }

  private tokenIn({ headers, query }: Credentials): string | undefined {
    const offered = headers['sec-websocket-protocol']?.split(',').map((one) => one.trim()) ?? [];
    const protocol = offered.find((one) => this.isTokenProtocol(one))?.slice(PREFIX.length);
    return headers.authorization?.replace(/^Bearer /, '') ?? query.token ?? protocol;
  }

  private async check(token: string | undefined): Promise<Identified> {
    this.checks += 1;
    await this.delay;
    if (token === undefined) return refused('token_missing', 'send a token');
    if (token === 'unchecked') return { refusal: { status: 503, reason: 'keys_unavailable', message: 'no keys' } };
    const [text = '', sum = ''] = token.split('.');
    if (!isEqual(sum, mac(text))) return refused('token_invalid', 'the token is not valid');
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
    if (claims.exp === undefined) return { identity: { claims: frozen(claims) } };
    if (claims.exp <= Date.now()) return refused('token_expired', 'the token has expired');
    return { identity: { claims: frozen(claims), expires: claims.exp } };
  }
}

function refused(reason: string, message: string): Identified {
  return { refusal: { status: 401, reason, message, challenge: 'Bearer' } };
}

function mac(text: string): string {
  return createHmac('sha256', 'a secret of the test').update(text).digest('base64url');
}

function isEqual(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner);
  return Object.freeze(value);
}
