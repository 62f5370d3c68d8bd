import { type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import { explainValidity } from './certificate.ts';
import { readBody } from './http-body.ts';
import { connectionThrough, type Tunnel } from './http-tunnel.ts';

export interface HttpCall {
  readonly method: string;
  /** http:// or https://. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Of https://; the authorities of the system where it has none. */
  readonly tls?: SecureContextOptions | undefined;
  /** The connection that a proxy has made; it is this call's own. */
  readonly tunnel?: Tunnel | undefined;
  readonly signal: AbortSignal;
  /** Largest body of an answer that is read. */
  readonly maxBytes: number;
}

export interface CallAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Milliseconds in which a connection has to be made. */
const CONNECT_TIMEOUT = 10_000;
/** Code of the error where it was not: nothing was sent then. */
export const CONNECT_TIMEOUT_CODE = 'TIDEGATE_CONNECT_TIMEOUT';

/** One call over a connection of its own. Rejects with an Error, mostly with a code of Node, where there was no complete answer. */
export function callHttp({ method, url, headers, body, tls, tunnel, signal, maxBytes }: HttpCall): Promise<CallAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestTls : requestPlain;
    const length = body.length === 0 ? {} : { 'content-length': String(body.length) };
    const way =
      tunnel === undefined ? { agent: false as const } : { createConnection: () => connectionThrough(tunnel, tls) };
    const sent = send(url, { method, ...way, signal, headers: { ...headers, ...length }, ...tls }, (response) => {
      const { statusCode: status = 0, headers } = response;
      readBody(response, maxBytes).then((body) => {
        if (body === undefined) reject(new Error(`the answer has more than ${maxBytes} bytes`));
        else resolve({ status, headers, body });
      }, reject);
    });
    const tooLate = Object.assign(new Error(`no connection within ${CONNECT_TIMEOUT} ms`), {
      code: CONNECT_TIMEOUT_CODE,
    });
    // A tunnel is connected already.
    const timer = tunnel === undefined ? setTimeout(() => sent.destroy(tooLate), CONNECT_TIMEOUT) : undefined;
    sent.once('socket', (socket) => {
      socket.once('connect', () => clearTimeout(timer));
      if (socket instanceof TLSSocket) explainValidity(socket);
    });
    sent.once('close', () => clearTimeout(timer));
    sent.on('error', reject);
    sent.end(body);
  });
}
