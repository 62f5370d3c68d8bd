import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Stats } from '../telemetry/stats.ts';

/** Label of a route that none of the known ones is. */
export const OTHER_ROUTE = 'other';

/** Of a page or a report. */
export const gets = (...paths: readonly string[]) => paths.map((path) => ({ method: 'GET', path }));

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As nginx counts a client that left before it had an answer. */
const CLIENT_LEFT = 499;

/** Counts and times the HTTP answers of one port. What clients make up is never a label. */
export class HttpMetrics {
  private readonly stats: Stats;
  private readonly port: string;
  private readonly routes: ReadonlySet<string>;

  /** `routes`: what is answered, as fixed paths or patterns; those with GET are counted from 0 on. */
  constructor(
    stats: Stats,
    port: 'admin' | 'connect' | 'public',
    routes: readonly { readonly method: string; readonly path: string }[],
  ) {
    this.stats = stats;
    this.port = port;
    this.routes = new Set(routes.map(({ path }) => path));
    const method = 'GET';
    for (const { path } of routes.filter((one) => one.method === method))
      stats.counter('http_requests_total', { port, route: path, method, status: '200' });
    stats.counter('http_requests_total', { port, route: OTHER_ROUTE, method, status: '404' });
  }

  /** `path`: of the request, or the pattern that it fits. Call it before the request is answered. */
  watch({ method = '' }: IncomingMessage, response: ServerResponse, path: string): void {
    const { stats, port } = this;
    const began = performance.now();
    const route = this.routes.has(path) ? path : OTHER_ROUTE;
    response.once('close', () => {
      const status = String(response.headersSent ? response.statusCode : CLIENT_LEFT);
      const labels = { port, route, method: METHODS.has(method) ? method : 'other', status };
      stats.counter('http_requests_total', labels).value += 1;
      stats.histogram('http_response_time_seconds', { port, route }).record((performance.now() - began) / 1_000);
    });
  }
}
