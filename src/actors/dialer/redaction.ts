import { secretsOfJson, secretsOfUrl, withoutSecrets } from '../../core/secrets.ts';
import type { RemoteSettings } from '../../sdk/remote.ts';

/** Blots out of what a server says what it was told: a reason for a close may repeat a token. */
export class Redaction {
  /** Of the settings; the same for all connections. */
  private readonly configured: readonly (string | undefined)[];
  /** Of the last connection. */
  private confided: (string | undefined)[] = [];

  constructor(url: string, { headers, auth, proxy }: RemoteSettings) {
    const urls = proxy === undefined ? [url] : [url, proxy];
    this.configured = [auth?.token, ...Object.values(headers), ...urls.flatMap(secretsOfUrl)];
  }

  /** Another connection; `token`: what it was given for the handshake. */
  begin(token: string | undefined): void {
    this.confided = [token];
  }

  /** A message that tells the server secrets, perhaps. */
  told(text: string): void {
    this.confided.push(...secretsOfJson(text));
  }

  /** The text as people may see it. */
  shown(text: string): string {
    return withoutSecrets(text, [...this.configured, ...this.confided]);
  }
}
