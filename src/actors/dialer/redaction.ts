import type { RemoteRequest } from '../../core/remote.ts';
import { secretsOfJson, secretsOfUrl, withoutSecrets } from '../../core/secrets.ts';
import type { RemoteUrl } from '../../sdk/handshake.ts';
import type { RemoteSettings } from '../../sdk/remote.ts';

/** Characters of a server's answer that are shown. */
const QUOTED = 200;
/** Bytes of it that are looked at: more than the longest token, which must not be cut before it is found. */
const QUOTED_FROM = 131_072;

/** Blots out of what a server says what it was told: a reason for a close may repeat a token. */
export class Redaction {
  /** Of the settings; the same for all connections. */
  private readonly configured: readonly (string | undefined)[];
  /** Of the last connection. */
  private confided: (string | undefined)[] = [];

  constructor(url: RemoteUrl, { headers, auth, proxy }: RemoteSettings) {
    const urls = proxy === undefined ? [url.text] : [url.text, proxy];
    this.configured = [
      auth?.token,
      ...Object.values(headers).map(({ text }) => text),
      ...urls.flatMap((each) => secretsOfUrl(each)),
    ];
  }

  /** Another connect, for which there is this token. */
  begin(token: string | undefined): void {
    this.confided = token === undefined ? [] : [token, encodeURIComponent(token)];
  }

  /** What the server is asked for in the handshake. */
  asked({ url, headers }: RemoteRequest): void {
    this.confided.push(...Object.values(headers), ...secretsOfUrl(url));
  }

  /** A message that tells the server secrets, perhaps. */
  told(text: string): void {
    this.confided.push(...secretsOfJson(text));
  }

  /** The text as people may see it. */
  shown(text: string): string {
    return withoutSecrets(text, [...this.configured, ...this.confided]);
  }

  /** What the server said, cut. Secrets go first, or a part of one could be left. */
  quoted(heard: Buffer | undefined): string {
    if (heard === undefined) return 'the server said nothing';
    const said = heard.toString('utf8', 0, QUOTED_FROM);
    // Its own secrets too: an answer may hold a token for the session.
    const text = withoutSecrets(this.shown(said), secretsOfJson(said)).replaceAll(/\p{Cc}+/gu, ' ');
    return `the server said: "${text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text}"`;
  }
}
