import type { PrepareCall } from '../../sdk/connect-prepare.ts';
import { type ConnectUrl, shownUrl } from '../../sdk/connect-url.ts';

interface NamingSettings {
  readonly prepare: readonly PrepareCall[];
  /** Hosts that an answer may name: `*.example.org` for all below it, `*` for any. */
  readonly hosts: readonly string[];
}

/**
 * Refuses a URL that an answer has named and that must not get the secrets of this feed. Throws an Error that may quote the
 * answer.
 */
export function checkNamedHost(url: string, { prepare, hosts }: NamingSettings): void {
  const { protocol, hostname } = new URL(url);
  if (!hosts.some((pattern) => fits(hostname, pattern)))
    throw new Error(`the answer of prepare names the host ${hostname}, which is not in hosts; add it if that is right`);
  const isSecret = prepare.some(({ http }) => http.url.text.toLowerCase().startsWith('https:'));
  if (isSecret && protocol === 'ws:')
    throw new Error('the answer of prepare came by https:// and names a ws:// URL, which would not be encrypted');
}

/** The URL as logs, metrics and records have it: one that is named is different at each connect. */
export function nameOf(url: ConnectUrl, prepare: readonly PrepareCall[]): string {
  const last = prepare.at(-1);
  return url.isNamed && last !== undefined ? shownUrl(last.http.url) : shownUrl(url);
}

/** Host names have no case; those of IPv6 have brackets in a URL. */
function fits(hostname: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (wanted === '*') return true;
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length >= wanted.length : host === wanted;
}
