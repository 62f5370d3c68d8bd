import type { IncomingMessage } from 'node:http';

/** Headers of an answer. */
type Fields = Readonly<Record<string, string>>;

/** Headers that a page may set besides those that every page may. */
const ALLOWED_HEADERS = 'Content-Type, Accept, X-Requested-With';
/** Seconds for which a browser may remember that a page may call. */
const MAX_AGE = 1_800;

/**
 * Which pages of other origins may call a port and read its answers (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol):
 * those that are configured, and no other. Credentials are never allowed.
 */
export class Cors {
  private readonly origins: ReadonlySet<string>;
  private readonly methods: string;

  /** `origins` as browsers send them, or `*` for every page. */
  constructor(origins: readonly string[], methods: readonly string[]) {
    this.origins = new Set(origins);
    this.methods = methods.join(', ');
  }

  allows(origin: string): boolean {
    return this.origins.has('*') || this.origins.has(origin);
  }

  /** What an answer has in its head for the page that asked; nothing for programs. */
  fieldsFor({ headers: { origin } }: IncomingMessage): Fields {
    if (this.origins.size === 0) return {};
    // A cache must not give one page's answer to another.
    const vary = { vary: 'Origin' };
    return origin === undefined || !this.allows(origin) ? vary : { ...vary, 'access-control-allow-origin': origin };
  }

  /** The head of the answer to a preflight of a page that may call; undefined for any other request. */
  preflight({ method, headers }: IncomingMessage): Fields | undefined {
    const { origin, 'access-control-request-method': wanted } = headers;
    if (method !== 'OPTIONS' || origin === undefined || wanted === undefined || !this.allows(origin)) return undefined;
    return {
      'access-control-allow-methods': this.methods,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(MAX_AGE),
    };
  }
}
