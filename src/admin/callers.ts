import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { printableValue } from '../core/quote.ts';
import { LineLimit, sinceLastLine } from '../telemetry/line-limit.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Why a request is refused with 403. */
export interface CallerRefusal {
  readonly reason: 'host' | 'origin';
  readonly message: string;
}

export interface CallerOptions {
  /** Where `allowed_hosts` is in the configuration: admin or connect. */
  readonly section: string;
  /** Names beside those that are always allowed: `name`, `*.name` for all below it, or `*` for any. */
  readonly allowedHosts: readonly string[];
  /** Whether pages of an origin may call though they are of another site; none may where it is left out. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** Names by which the port is known here: the address that is bound, and the one that is advertised. */
  readonly ownHosts: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A host as an HTTP header has it, with or without a port (RFC 9110 7.2). */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@[\]]+)(?::\d*)?$/;

/**
 * Keeps web pages out of a port that is for programs and operators. A page whose own name is made to resolve to this machine
 * (DNS rebinding) sends that name as Host; any other page that sends a request says so by Origin or Sec-Fetch-Site. Programs that
 * are not browsers send neither. See https://www.w3.org/TR/fetch-metadata/ and RFC 6454 7.
 */
export class Callers {
  private readonly options: CallerOptions;
  private readonly limit: LineLimit;

  constructor(options: CallerOptions) {
    this.options = options;
    this.limit = new LineLimit(options.clock);
  }

  /** Why the request is not to be answered, which is also logged; undefined where it is. */
  refusal(request: IncomingMessage): CallerRefusal | undefined {
    const refusal = this.problem(request);
    if (refusal !== undefined) this.log(refusal);
    return refusal;
  }

  private problem({ method, headers }: IncomingMessage): CallerRefusal | undefined {
    const { host, origin, 'sec-fetch-site': site } = headers;
    // Only HTTP/1.0 may leave it out, which no browser speaks.
    if (host !== undefined && !this.isOurs(host)) return this.wrongHost(host);
    if (origin !== undefined) {
      if (this.options.allowsOrigin?.(origin)) return undefined;
      const from = originOf(origin);
      if (from !== undefined && this.isConfigured(from.hostname)) return undefined;
      if (from === undefined || host === undefined || !isSameHost(from, host))
        return this.foreign(`the page ${shown(origin)}`);
    }
    if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
    return isFollowedLink(method, headers) ? undefined : this.foreign('a page of another site');
  }

  private isOurs(header: string): boolean {
    const name = hostnameOf(header);
    if (name === undefined) return false;
    const { allowedHosts, ownHosts } = this.options;
    if (allowedHosts.includes('*') || isLocal(name) || this.isConfigured(name)) return true;
    return ownHosts().some((own) => hostnameOf(bracketed(own)) === name);
  }

  private isConfigured(name: string): boolean {
    return this.options.allowedHosts.some((entry) =>
      entry.startsWith('*.') ? name.endsWith(entry.slice(1).toLowerCase()) : hostnameOf(bracketed(entry)) === name,
    );
  }

  private wrongHost(host: string): CallerRefusal {
    const setting = `${this.options.section}.allowed_hosts`;
    return {
      reason: 'host',
      message: `the Host ${shown(host)} is not a name of this port; add it to ${setting} if it is`,
    };
  }

  private foreign(who: string): CallerRefusal {
    const setting = `${this.options.section}.allowed_hosts`;
    return {
      reason: 'origin',
      message: `${who} may not send requests to this port; add its host to ${setting} if it may`,
    };
  }

  private log({ reason, message }: CallerRefusal): void {
    const count = this.limit.count(reason);
    if (count === 0) return;
    const { section, logger } = this.options;
    const more = sinceLastLine(count, 'were refused');
    logger.warn(
      { port: section, reason, refused: count },
      `a request to the ${section} port was refused: ${message}${more}`,
    );
  }
}

/** Names that no DNS outside gives to a page: loopback, addresses, and names of one label, as in a cluster or in Docker. */
function isLocal(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || !name.includes('.') || isIP(unbracketed(name)) !== 0;
}

/** In lower case, Punycode, without port and the dot of a root; undefined for what is not a host. */
function hostnameOf(header: string): string | undefined {
  const [, host] = HOST.exec(header) ?? [];
  const url = `http://${host}`;
  if (host === undefined || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, '');
}

function originOf(text: string): URL | undefined {
  return /^https?:\/\/[^/?#@]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Whether a page comes from the host and port that its request goes to. */
function isSameHost(origin: URL, header: string): boolean {
  const url = `${origin.protocol}//${header}`;
  return URL.canParse(url) && new URL(url).host === origin.host;
}

/** A user follows a link to this port, or types its address: a page that has the link sees nothing of the answer. */
function isFollowedLink(method: string | undefined, headers: IncomingMessage['headers']): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  );
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function shown(text: string): string {
  return `"${printableValue(text)}"`;
}
