import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { clientCertificate } from '../../core/client-certificate.ts';
import { errorBody, JSON_TYPE } from '../../core/http-error.ts';
import type { Identity } from '../../core/identity.ts';
import { type Repeated, repeatedIn } from '../../core/repeated.ts';

/** The version of RFC 6455, which is the answer to a client that asks for another (4.4). */
const VERSION = 13;

/** What a client sent when it asked for a WebSocket. */
export interface HandshakeRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** What is wrong with the path's parameters. */
  readonly problem?: string;
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  /** Whether the connection has TLS here; a proxy in front of a plain one may have ended it. */
  readonly isSecure?: boolean;
  /** Headers and parameters that came more than once: looked for when it is asked for. */
  readonly repeated?: () => Repeated;
  /** By which the client is known: read when it is asked for, as that takes time. Left out: there is none. */
  readonly certificate?: () => PeerCertificate | undefined;
  /** When its request was read, by performance.now(). */
  readonly at: number;
  /** Address of the client, where it may be another one than the peer's, or was asked for already. */
  readonly remote?: string;
  /** Who the client is; undefined where it was not asked. */
  readonly identity?: Identity;
}

/** Why a handshake is refused. `reason` is a short label for the metric and the answer's code, `message` is for the developer of the client. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** Of a page that is refused for it, fit for a log line. */
  readonly origin?: string;
  /** Of a client that is refused for it. */
  readonly address?: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
  /** Value of WWW-Authenticate (RFC 9110 11.6.1). */
  readonly challenge?: string;
  /** The client waits for it, and is refused only where there is still a reason then. */
  readonly until?: Promise<void> | undefined;
}

/** `remote`: address of its client, where it is known. undefined for a URL that is none. */
export function readHandshake(request: IncomingMessage, remote?: string): HandshakeRequest | undefined {
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
    isSecure: request.socket instanceof TLSSocket,
    repeated: () => repeatedIn(request),
    certificate: () => clientCertificate(request.socket),
    at: performance.now(),
    ...(remote === undefined ? {} : { remote }),
  };
}

/** Calls back when `until` resolves, unless the client has gone by then. */
export function hold(socket: Duplex, until: Promise<void>, proceed: () => void): void {
  const gone = () => socket.destroy();
  socket.on('error', gone);
  void until.then(() => {
    socket.off('error', gone);
    if (!socket.destroyed) proceed();
  });
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
    ...(refusal.challenge === undefined ? [] : [`WWW-Authenticate: ${refusal.challenge}`]),
    ...(refusal.retryAfter === undefined ? [] : [`Retry-After: ${refusal.retryAfter}`]),
  ];
  // A peer that is gone already needs no action.
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // A peer that never closes its side would keep a file of the process open; one that has not read the answer by then will not.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), REFUSED_TIMEOUT).unref();
  socket.once('close', () => clearTimeout(cut));
}
