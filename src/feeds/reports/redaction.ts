import { ExactNumber } from '../../core/exact-number.ts';
import type { RemoteRequest } from '../../core/remote.ts';
import { isKeyLike, secretsOfHeader, secretsOfJson, secretsOfUrl, withoutSecrets } from '../../core/secrets.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { ConnectUrl } from '../../sdk/connect-url.ts';

/** Characters of a server's answer that are shown. */
const MAX_QUOTED = 200;
/** Bytes of it that are searched for secrets: more than the longest token, which must not be cut before it is found. */
const MAX_SEARCHED = 131_072;

/** Removes secrets from what a server sends: the reason of a close may repeat a token. */
export class Redaction {
  /** Secrets in the settings; the same for all connections. */
  private readonly configured: readonly (string | undefined)[];
  /** Secrets that the last connection has sent. */
  private readonly disclosed = new Set<string>();
  /** Those of its last answers to messages. */
  private answers: string[] = [];

  constructor(url: ConnectUrl, { headers, auth, proxy, secrets = {}, prepare }: RemoteSettings) {
    const urls = proxy === undefined ? [url.text] : [url.text, proxy];
    this.configured = [
      auth?.token,
      ...Object.values(secrets).flatMap(linesOf),
      ...[headers, ...prepare.map(({ http }) => http.headers)].flatMap((each) =>
        Object.values(each).flatMap(({ text }) => secretsOfHeader(text)),
      ),
      ...prepare.flatMap(({ http }) => secretsOfUrl(http.url.text)),
      ...urls.flatMap((each) => secretsOfUrl(each)),
    ];
  }

  /** Starts another connect, with this token. */
  begin(token: string | undefined): void {
    this.disclosed.clear();
    if (token !== undefined) this.disclose([token, percentEncoded(token)]);
    this.answers = [];
  }

  /** The opening handshake, or a call before it, was sent. */
  asked({ url, headers }: Pick<RemoteRequest, 'url' | 'headers'>): void {
    this.disclose([...Object.values(headers).flatMap(secretsOfHeader), ...secretsOfUrl(url)]);
  }

  /** A message was sent, which may contain secrets. `isMadeOfSecrets`: under any name, as signatures do. */
  sent(text: string, isMadeOfSecrets: boolean): void {
    this.disclose([...secretsOfJson(text), ...(isMadeOfSecrets ? opaqueIn(text) : [])]);
  }

  /** The body of a call was sent: JSON, or a form. */
  posted(body: string): void {
    this.disclose([...secretsOfJson(body), ...secretsOfUrl(`http://form/?${body}`)]);
  }

  /** A call was answered: all texts in it may be secrets, except short ones, which may be words. */
  heard(answer: unknown): void {
    this.disclose(textsIn(answer).flatMap((text) => [text, percentEncoded(text)]));
  }

  /** One by one: an answer may have more texts than a call may have arguments. */
  private disclose(secrets: readonly string[]): void {
    for (const secret of secrets) this.disclosed.add(secret);
  }

  /** A reply came that later messages use, such as a challenge. */
  replied(text: string): void {
    this.disclose([...secretsOfJson(text), ...opaqueIn(text)]);
  }

  /** An answer to a message, or a heartbeat, was made of secrets, such as a signature. */
  answered(text: string): void {
    this.answers.push(...secretsOfJson(text), ...opaqueIn(text));
    if (this.answers.length > MAX_OF_ANSWERS) this.answers = this.answers.slice(-MAX_OF_ANSWERS);
  }

  /** The text without secrets. */
  shown(text: string): string {
    return withoutSecrets(text, [...this.configured, ...this.disclosed, ...this.answers]);
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

/** Secrets of answers that are remembered: there may be an answer to each message. */
const MAX_OF_ANSWERS = 64;

/** Parts of a text that may be secrets whatever their names: long, and with a digit in them, as signatures and UUIDs are. */
function opaqueIn(text: string): string[] {
  return (text.match(/[\w+/=-]{16,}/g) ?? []).filter((part) => /\d/.test(part));
}

/** Characters from which on a text of an answer is hidden. */
const SHORTEST_TEXT = 8;

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length < SHORTEST_TEXT ? [] : [value];
  if (value instanceof ExactNumber) return [value.digits];
  if (typeof value !== 'object' || value === null) return [];
  return [...Object.keys(value).filter(isKeyLike), ...Object.values(value).flatMap(textsIn)];
}

/** A key in PEM has lines, of which an error may show one. */
function linesOf(secret: string): string[] {
  return [secret, percentEncoded(secret), ...(secret.includes('\n') ? secret.split(/\r?\n/) : [])];
}

/** As in a URL. A text of JSON may contain half a character, which has no code. */
function percentEncoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
