import type { RemoteRequest } from '../core/remote.ts';
import { secretsOfJson, secretsOfUrl, withoutSecrets } from '../core/secrets.ts';
import type { RemoteSettings } from '../sdk/connect-settings.ts';
import type { RemoteUrl } from '../sdk/handshake.ts';

/** Characters of a server's answer that are shown. */
const MAX_QUOTED = 200;
/** Bytes of it that are searched for secrets: more than the longest token, which must not be cut before it is found. */
const MAX_SEARCHED = 131_072;

/** Removes secrets from what a server sends: the reason of a close may repeat a token. */
export class Redaction {
  /** Secrets in the settings; the same for all connections. */
  private readonly configured: readonly (string | undefined)[];
  /** Secrets that the last connection has sent. */
  private disclosed: (string | undefined)[] = [];

  constructor(url: RemoteUrl, { headers, auth, proxy }: RemoteSettings) {
    const urls = proxy === undefined ? [url.text] : [url.text, proxy];
    this.configured = [
      auth?.token,
      ...Object.values(headers).map(({ text }) => text),
      ...urls.flatMap((each) => secretsOfUrl(each)),
    ];
  }

  /** Starts another connect, with this token. */
  begin(token: string | undefined): void {
    this.disclosed = token === undefined ? [] : [token, encodeURIComponent(token)];
  }

  /** The opening handshake was sent. */
  asked({ url, headers }: RemoteRequest): void {
    this.disclosed.push(...Object.values(headers), ...secretsOfUrl(url));
  }

  /** A message was sent, which may contain secrets. */
  sent(text: string): void {
    this.disclosed.push(...secretsOfJson(text));
  }

  /** The text without secrets. */
  shown(text: string): string {
    return withoutSecrets(text, [...this.configured, ...this.disclosed]);
  }

  /** The start of a message of the server. Secrets are removed before it is cut, so that no part of one is left. */
  quoted(heard: Buffer | undefined): string {
    if (heard === undefined) return 'the server said nothing';
    const start = heard.toString('utf8', 0, MAX_SEARCHED);
    // Secrets of the server, too: an answer may contain a token for the session.
    const text = withoutSecrets(this.shown(start), secretsOfJson(start)).replaceAll(/\p{Cc}+/gu, ' ');
    return `the server said: "${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}"`;
  }
}
