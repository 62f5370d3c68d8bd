import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody, JSON_TYPE } from '../../core/http-error.ts';

/** The version of RFC 6455, which a client that asks for another is told (4.4). */
const VERSION = 13;

/** What a client said when it asked for a WebSocket. */
export interface HandshakeRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** What is wrong with the path's parameters. */
  readonly problem?: string;
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
}

/** Why a handshake is turned away. `reason` is a short label for the metric and the answer's code, `message` is for the person. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** Of a page that is turned away for it, fit for a log. */
  readonly origin?: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
}

/** undefined for a URL that is none. */
export function readHandshake(request: IncomingMessage): HandshakeRequest | undefined {
  const url = request.url ?? '/';
  let parsed: URL;
  try {
    parsed = new URL(url, 'http://localhost');
  } catch {
    return undefined;
  }
  return {
    path: parsed.pathname,
    query: Object.fromEntries(parsed.searchParams),
    params: {},
    headers: request.headers,
    url,
  };
}

/** Milliseconds that a refused peer may take to read the answer and to close. */
const REFUSED_TIMEOUT = 2_000;

/** Answers a handshake with an HTTP error and ends the connection. */
export function refuse(socket: Duplex, refusal: Refusal): void {
  const body = errorBody(refusal.reason, refusal.message);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(refusal.status === 400 ? [`Sec-WebSocket-Version: ${VERSION}`] : []),
    ...(refusal.retryAfter === undefined ? [] : [`Retry-After: ${refusal.retryAfter}`]),
  ];
  // A peer that is gone already is no event of ours.
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // A peer that never closes its side would keep a file of the process open; one that has not read the answer by then will not.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), REFUSED_TIMEOUT).unref();
  socket.once('close', () => clearTimeout(cut));
}
