/** Ports that an origin is written without (RFC 6454, 6.2). */
const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

/** Scheme, host and port; the port is empty where it is the scheme's own. All lower case. */
interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(\[[^\]]*\]|[^:/?#@\s]*)(?::(\d*))?$/;

/** What a page without an origin of its own sends: a sandboxed frame, or a file in some browsers. */
const OPAQUE = 'null';

/** Pages of the host that the handshake goes to, under whichever name that is. */
const SELF = 'self';

/** Longest host name of DNS; longer ones are not looked at. */
const MAX_HOST = 253;

/**
 * What is wrong with an entry of `origins`, and what to write; undefined for nothing. An entry is `*` for every page, `self` for
 * those of the same host, `null`, or scheme://host with a port where it is not the scheme's own. The host may have `*` in it, as `originMatcher` says.
 */
export function originMistake(text: string): string | undefined {
  if (text === '*' || text === SELF || text === OPAQUE || readOrigin(text) !== undefined) return undefined;
  if (text === '') return 'is empty; write an origin such as https://example.org, or remove it';
  const meant = correction(text);
  if (meant === undefined && text.includes('*'))
    return `"${text}": a * is for what a host name begins with, or for a part of one label; write https://*.example.org for all below example.org`;
  return `"${text}" matches no page; write ${meant ?? 'scheme://host[:port], such as https://example.org'}`;
}

/**
 * Whether pages of an origin may connect. Origins are compared as RFC 6454 has it: scheme and host in any case, without
 * the scheme's own port. A host that begins with `*.` is one label or more in front of the rest, and not the rest alone; any
 * other `*` is for characters of one label. So `https://*.example.com` lets https://a.b.example.com in, but neither
 * https://example.com, https://evil-example.com nor https://a.example.com.evil.org.
 */
export function originMatcher(
  entries: readonly string[],
): (origin: string, host?: string, isSecure?: boolean) => boolean {
  if (entries.includes('*')) return () => true;
  const exact = new Set<string>();
  const patterns: RegExp[] = [];
  for (const entry of entries) {
    const origin = readOrigin(entry);
    if (origin?.host.includes('*')) patterns.push(patternOf(origin));
    else exact.add(origin === undefined ? entry : textOf(origin));
  }
  const hasSelf = exact.delete(SELF);
  return (given, host, isSecure = false) => {
    if (exact.has(given)) return true;
    const origin = readOrigin(given);
    if (origin === undefined || origin.host.includes('*')) return false;
    const text = textOf(origin);
    if (hasSelf && host !== undefined && isOf(origin, host, isSecure)) return true;
    return exact.has(text) || patterns.some((pattern) => pattern.test(text));
  };
}

/** undefined for text that is not an origin, or that no browser sends as one. */
function readOrigin(text: string): Origin | undefined {
  const [, name, given, digits] = PARTS.exec(text) ?? [];
  if (name === undefined || given === undefined || given.length > MAX_HOST) return undefined;
  const scheme = name.toLowerCase();
  // A page has the scheme that it was loaded by; the socket's own never comes.
  if (scheme === 'ws' || scheme === 'wss') return undefined;
  const host = hostOf(given, scheme);
  if (host === undefined || digits === '' || Number(digits ?? 1) > 65_535) return undefined;
  const port = digits === undefined ? '' : String(Number(digits));
  return { scheme, host, port: port === DEFAULT_PORTS.get(scheme) ? '' : port };
}

/** As browsers send it: lower case, names with other letters in Punycode. */
function hostOf(text: string, scheme: string): string | undefined {
  if (text === '') return scheme === 'file' ? '' : undefined;
  if (!DEFAULT_PORTS.has(scheme)) return text.includes('*') ? undefined : text.toLowerCase();
  if (text.includes('*')) return hasOnlyUsefulStars(text) ? text.toLowerCase() : undefined;
  const url = `http://${text}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** A `*` at the end would let in any domain that is registered: only `*` alone, for all hosts, may be there. */
function hasOnlyUsefulStars(host: string): boolean {
  if (host === '*') return true;
  const labels = host.split('.');
  return labels.every((label) => /^[\w*-]+$/.test(label) && !/\*.*\*/.test(label)) && !labels.at(-1)?.includes('*');
}

function patternOf({ scheme, host, port }: Origin): RegExp {
  const escaped = host
    .replace(/^\*(?=\.|$)/, '+')
    .replace(/[.-]/g, '\\$&')
    .replaceAll('*', '[^.:/]+')
    .replace(/^\+/, '[^.:/]+(?:\\.[^.:/]+)*');
  return new RegExp(`^${scheme.replace(/[.+-]/g, '\\$&')}://${escaped}${port === '' ? '' : `:${port}`}$`);
}

/**
 * Whether a page is of the host of a request (RFC 9110 7.2). A proxy may have ended TLS, so the scheme is the page's. Not where
 * the request itself has TLS: an attacker who can change plain HTTP could put a page under http:// of that host.
 */
function isOf(origin: Origin, host: string, isSecure: boolean): boolean {
  if (isSecure && origin.scheme !== 'https') return false;
  const own = readOrigin(`${origin.scheme}://${host}`);
  return own !== undefined && textOf(own) === textOf(origin);
}

function textOf({ scheme, host, port }: Origin): string {
  return `${scheme}://${host}${port === '' ? '' : `:${port}`}`;
}

/** The origin that was meant where the address of a page was written, or the scheme left out. */
function correction(text: string): string | undefined {
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(text);
  const withScheme = text.includes('://') ? text : `${isLocal ? 'http' : 'https'}://${text}`;
  const bare = withScheme
    .replace(/^ws(s?):/i, 'http$1:')
    .replace(/^([^/]*\/\/)[^/?#]*@/, '$1')
    .replace(/^([^/]*\/\/[^/?#]*)[/?#].*$/s, '$1')
    .replace(/:$/, '');
  const origin = readOrigin(bare);
  return origin === undefined ? undefined : textOf(origin);
}
