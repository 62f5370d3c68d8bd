import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { ServerTls } from './server-tls.ts';

/** How long a connection may keep a file of the process without being of use, in milliseconds. */
export interface HttpTimeouts {
  /** From when it is accepted, or begins another request, until the headers have come. */
  readonly headers: number;
  /** The same until the whole request has come. */
  readonly request: number;
  /** Without a byte in either direction, also while an answer waits to be taken. WebSockets have limits of their own. */
  readonly idle: number;
}

export const HTTP_TIMEOUTS: HttpTimeouts = { headers: 10_000, request: 30_000, idle: 30_000 };

/** Node looks for connections that are too slow this often, and every 30 s by default; in milliseconds. */
const MAX_CHECK_INTERVAL = 1_000;

/** Bytes of the head of a request, which is Node's own default. */
export const MAX_HEAD = 16_384;

/**
 * A server whose connections end when they take longer. With `tls` it speaks HTTPS. `maxHead`: most bytes of the head of a
 * request.
 */
export function createTimedServer(
  { headers, request, idle }: HttpTimeouts,
  serve: RequestListener,
  { tls, maxHead = MAX_HEAD }: { readonly tls?: ServerTls | undefined; readonly maxHead?: number } = {},
): Server {
  const connectionsCheckingInterval = Math.min(MAX_CHECK_INTERVAL, headers);
  const timeouts = { headersTimeout: headers, requestTimeout: request, connectionsCheckingInterval };
  const options = { ...timeouts, maxHeaderSize: maxHead };
  if (tls === undefined) return createServer(options, serve).setTimeout(idle);
  const server = createSecureServer({ ...tls.options, ...options }, serve);
  tls.attach(server);
  return server.setTimeout(idle);
}
