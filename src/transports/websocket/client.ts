import type { ClientRequest, IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { explainValidity } from '../../core/certificate.ts';
import type { Frame } from '../../core/frame.ts';
import { connectionThrough, openTunnel, type Tunnel } from '../../core/http-tunnel.ts';
import type {
  Connect,
  RemoteEnd,
  RemoteHandler,
  RemoteRequest,
  RemoteSocket,
  RemoteTarget,
} from '../../core/remote.ts';
import { readTlsFiles, type TlsFiles } from '../../core/tls-files.ts';
import { answeredHandshake, brokenConnection, noConnection } from './client-ends.ts';
import { readToken } from './client-token.ts';

/** Milliseconds that a closing handshake may take before the socket is cut. */
const CLOSE_TIMEOUT = 2_000;

/** Dials a WebSocket server. Nothing is sent twice or followed elsewhere: a redirect is a refusal. */
export const dialWebSocket: Connect = (target, handler) => {
  const socket = new DialedSocket(handler);
  socket.dial(target).catch((error: unknown) => socket.failed(error));
  return socket;
};

/** Fields of ws and Node that have no public name; a test fails when one of them moves. */
interface Internals {
  readonly _socket: {
    readonly bytesRead: number;
    readonly _handle?: { readonly writeQueueSize?: number } | null;
  } | null;
}

class DialedSocket implements RemoteSocket {
  private readonly handler: RemoteHandler;
  /** Ends what happens before there is a WebSocket: reading files, running commands, asking a proxy. */
  private readonly preparation = new AbortController();
  private ws: (WebSocket & Internals) | undefined;
  private token: string | undefined;
  private isOpen = false;
  private isEnded = false;
  /** What is known of the end before `close` comes. */
  private end: RemoteEnd | undefined;

  constructor(handler: RemoteHandler) {
    this.handler = handler;
  }

  get bytesRead(): number {
    return this.ws?._socket?.bytesRead ?? 0;
  }

  get buffered(): number {
    return this.ws?.bufferedAmount ?? 0;
  }

  get unsent(): number {
    return this.ws?._socket?._handle?.writeQueueSize ?? 0;
  }

  async dial(target: RemoteTarget): Promise<void> {
    const { signal } = this.preparation;
    const { auth, proxy, tls } = target;
    this.token = auth === undefined ? undefined : await readToken(auth, signal);
    const request = await target.request(this.token, signal);
    const files = request.url.startsWith('wss:') && tls !== undefined ? await readTlsFiles(tls) : {};
    const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, request.url, signal);
    try {
      if (!signal.aborted) this.handshake(target, request, files, tunnel);
    } finally {
      // Settings that ws or TLS does not take cost no connection to the proxy at each try.
      if (this.ws === undefined) tunnel?.destroy();
    }
  }

  send({ data, binary }: Frame, written?: (isWritten: boolean) => void): void {
    // ws calls back without an error, or with null, once the operating system has it.
    this.ws?.send(data, { binary }, written === undefined ? undefined : (error) => written(!error));
  }

  ping(payload: Buffer): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.ping(payload);
  }

  pong(payload: Buffer): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.pong(payload);
  }

  pause(): void {
    this.ws?.pause();
  }

  resume(): void {
    this.ws?.resume();
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) this.terminate();
    else this.ws?.close(code, reason);
    // A closing frame behind unread data is never seen.
    this.ws?.resume();
  }

  terminate(): void {
    this.preparation.abort();
    if (this.ws === undefined) this.failed(new Error('given up'));
    else this.ws.terminate();
  }

  /** Something before the WebSocket went wrong. */
  failed(error: unknown): void {
    // The caller of `dialWebSocket` does not have the socket yet while it is being dialled.
    if (this.ws === undefined) setImmediate(() => this.ended(noConnection(error)));
    else this.end ??= noConnection(error);
  }

  private handshake(
    { auth, compression, maxFrame }: RemoteTarget,
    { url, headers, protocols }: RemoteRequest,
    files: TlsFiles,
    tunnel: Tunnel | undefined,
  ): void {
    const authorization =
      this.token === undefined || auth?.handshake !== true ? {} : { Authorization: `Bearer ${this.token}` };
    const ws = new WebSocket(url, [...protocols], {
      headers: { ...headers, ...authorization },
      perMessageDeflate: compression,
      maxPayload: maxFrame,
      autoPong: this.handler.onPing === undefined,
      closeTimeout: CLOSE_TIMEOUT,
      finishRequest: sendRequest,
      ...files,
      ...(tunnel === undefined ? {} : { createConnection: () => connectionThrough(tunnel, files) }),
    } as WebSocket.ClientOptions) as unknown as WebSocket & Internals;
    this.ws = ws;
    ws.on('upgrade', (response) => acceptNone(response, protocols));
    ws.on('open', () => {
      this.isOpen = true;
      this.handler.onOpen(this.token);
    });
    ws.on('message', (data, binary) => this.handler.onFrame(data as Buffer, binary));
    ws.on('ping', (payload) => this.handler.onPing?.(payload));
    ws.on('pong', (payload) => this.handler.onPong(payload));
    ws.on('unexpected-response', (request, response) => this.refused(url, request, response));
    ws.on('error', (error) => {
      this.end ??= this.isOpen ? brokenConnection(error, maxFrame) : noConnection(error);
    });
    ws.on('close', (code, reason) => this.closed(code, reason.toString()));
  }

  private refused(url: string, request: ClientRequest, response: IncomingMessage): void {
    this.end ??= answeredHandshake(response.statusCode ?? 0, response.headers.location, url);
    request.destroy();
    this.ws?.terminate();
  }

  private closed(code: number, reason: string): void {
    if (this.end !== undefined) this.ended(this.end);
    else if (code === 1006) this.ended({ kind: 'broken', code, reason: 'broken off without a closing frame' });
    else
      this.ended({
        kind: 'closed',
        code,
        reason: `the server closed with ${code}${reason === '' ? '' : ` "${reason}"`}`,
      });
  }

  private ended(end: RemoteEnd): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.handler.onClose(end);
  }
}

/**
 * A server may choose none of the subprotocols; only one that was not offered ends the handshake (RFC 6455 4.1). ws
 * ends it in both cases, so it is shown one that it takes.
 */
function acceptNone({ headers }: IncomingMessage, [first]: readonly string[]): void {
  if (first !== undefined) headers['sec-websocket-protocol'] ??= first;
}

/** The last step of ws before it waits. */
function sendRequest(request: ClientRequest): void {
  request.once('socket', (socket) => {
    if (socket instanceof TLSSocket) explainValidity(socket);
  });
  request.end();
}
