import { readFileSync } from 'node:fs';
import { isUnknownAuthority } from '../../../core/certificate.ts';
import type { Clock } from '../../../core/clock.ts';
import { reasonOf } from '../../../core/errors.ts';
import { type CallAnswer, callHttp } from '../../../core/http-call.ts';
import { displayUrl } from '../../../core/secrets.ts';
import { checkedToken, tokenOfCommand, tokenOfFile } from '../../read-token.ts';
import type { OauthSettings } from './schema.ts';

/** Milliseconds in which a token has to be there: a connection to a broker waits for it. */
const TIMEOUT = 4_000;
/** Milliseconds for which a token is used again whose end is not known. */
const UNKNOWN_LIFETIME = 60_000;
/** The part of its lifetime for which a token is used again. Connections authenticate anew later than that. */
const REUSED_PART = 0.5;
const MAX_ANSWER = 1_048_576;

interface Token {
  readonly text: string;
  /** Milliseconds for which it is valid; undefined where that is not known. */
  readonly lifetime: number | undefined;
}

/** Tokens for OAUTHBEARER, which all connections of a gateway share. */
export class TokenSource {
  private readonly settings: OauthSettings;
  private readonly clock: Clock;
  private kept: { readonly text: string; readonly until: number } | undefined;
  private asking: Promise<string> | undefined;

  constructor(settings: OauthSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  /** Rejects with an Error that says which setting to look at, and shows nothing of a token or a secret. */
  token(): Promise<string> {
    const { kept, clock } = this;
    if (kept !== undefined && clock.elapsed() < kept.until) return Promise.resolve(kept.text);
    this.asking ??= this.renew().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** A broker did not take this one. */
  forget(token: string): void {
    if (this.kept?.text === token) this.kept = undefined;
  }

  private async renew(): Promise<string> {
    const { text, lifetime } = await this.ask();
    // A file is read for each authentication: another program knows when it has to change.
    const reused =
      this.settings.token_file === undefined ? (lifetime ?? UNKNOWN_LIFETIME / REUSED_PART) * REUSED_PART : 0;
    this.kept = { text, until: this.clock.elapsed() + reused };
    return text;
  }

  private async ask(): Promise<Token> {
    const { token_endpoint, token_file, command } = this.settings;
    if (token_endpoint !== undefined) return this.granted(token_endpoint);
    const text =
      token_file === undefined
        ? await tokenOfCommand(command ?? '', 'log.sasl.oauthbearer.command', AbortSignal.timeout(TIMEOUT))
        : await tokenOfFile(token_file, 'log.sasl.oauthbearer.token_file');
    return { text, lifetime: this.lifetimeOf(text) };
  }

  /** Client credentials (RFC 6749 4.4), the secret in the header (2.3.1). */
  private async granted(url: string): Promise<Token> {
    const { client_id = '', client_secret = '', scope, ca } = this.settings;
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
    const pair = `${formEncoded(client_id)}:${formEncoded(client_secret)}`;
    let answer: CallAnswer;
    try {
      answer = await callHttp({
        method: 'POST',
        url,
        headers: {
          authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: Buffer.from(form.toString()),
        tls: ca === undefined ? undefined : { ca: readFileSync(ca) },
        signal: AbortSignal.timeout(TIMEOUT),
        maxBytes: MAX_ANSWER,
      });
    } catch (error) {
      const why = (error as Error).name === 'AbortError' ? `no answer within ${TIMEOUT} ms` : reasonOf(error);
      const check = isUnknownAuthority(error as NodeJS.ErrnoException)
        ? 'name the authority that signed it in log.sasl.oauthbearer.ca'
        : 'check log.sasl.oauthbearer.token_endpoint';
      throw new Error(`no token from ${displayUrl(url)}: ${why}; ${check}`);
    }
    return tokenIn(answer, `no token from ${displayUrl(url)}`);
  }

  /** By `exp` of a JSON Web Token (RFC 7519 4.1.4). */
  private lifetimeOf(token: string): number | undefined {
    try {
      const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      const { exp } = claims as { exp?: unknown };
      return typeof exp === 'number' ? Math.max(0, exp * 1_000 - this.clock.now()) : undefined;
    } catch {
      return undefined; // Tokens need not be JSON Web Tokens.
    }
  }
}

/** What an answer to client credentials holds (RFC 6749 5.1, 5.2). */
function tokenIn({ status, body }: CallAnswer, failed: string): Token {
  let content: { access_token?: unknown; expires_in?: unknown; error?: unknown } = {};
  try {
    content = (JSON.parse(body.toString()) ?? {}) as typeof content;
  } catch {
    // Below.
  }
  const { access_token, expires_in, error } = content;
  if (status !== 200 || typeof access_token !== 'string') {
    const code = typeof error === 'string' && /^[\w.-]{1,60}$/.test(error) ? ` (${error})` : '';
    const hint =
      status === 400 || status === 401 ? '; check client_id, client_secret and scope in log.sasl.oauthbearer' : '';
    throw new Error(`${failed}: it answers ${status}${code}${status === 200 ? ' without access_token' : ''}${hint}`);
  }
  const lifetime = typeof expires_in === 'number' && expires_in > 0 ? expires_in * 1_000 : undefined;
  return { text: checkedToken(access_token, `the access_token of log.sasl.oauthbearer.token_endpoint`), lifetime };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
