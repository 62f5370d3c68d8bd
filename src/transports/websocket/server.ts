import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TidegateError } from '../../core/errors.ts';
import { answerMalformed, errorBody, JSON_TYPE, type MalformedCode } from '../../core/http-error.ts';
import { createTimedServer, HTTP_TIMEOUTS, type HttpTimeouts } from '../../core/http-timeouts.ts';
import { listenFault } from '../../core/listen-fault.ts';
import { OneAtATime } from '../../core/one-at-a-time.ts';
import { quoteValue } from '../../core/quote.ts';
import type { ServerTls } from '../../core/server-tls.ts';
import type { WaitingConnections } from '../../core/waiting-connections.ts';
import { readHandshake, refuse } from './handshake.ts';
import { HandshakeRouter, refuseUnknown } from './handshake-router.ts';
import { HEAD_LIMITS, type HeadLimits, headMistake, readHeaders } from './head-limits.ts';
import type { ListenerEdge } from './listener-edge.ts';
import { asksForWebSocket, ignoreUpgrade } from './other-upgrades.ts';
import type { HandshakeTarget } from './target.ts';

export interface ServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  /** Where the port comes from, for the error when it is taken. */
  readonly name: string;
  readonly targets: readonly HandshakeTarget[];
  /** Plain HTTP on the same port; false where the request is not known. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Where connections that are not clients yet are counted. */
  readonly waiting: WaitingConnections;
  /** Called with each handshake that no endpoint has the path of, and when its request was read, by performance.now(). */
  readonly unknown: (at: number) => void;
  /** Called with what else is refused before an endpoint sees it, by the code of the answer. */
  readonly refused: (reason: OutsideReason, endpoint?: string) => void;
  readonly timeouts?: HttpTimeouts;
  readonly tls?: ServerTls | undefined;
  /** What every request has to keep to. */
  readonly heads?: HeadLimits;
  /** Where addresses of clients come from, and how many there may be; those of the sockets, and any number, if left out. */
  readonly edge?: ListenerEdge | undefined;
}

/** Codes of answers that no endpoint gives; `pipelined` is for connections that end without one. */
export type OutsideReason = 'not_found' | 'upgrade_required' | 'pipelined' | MalformedCode;

/** A bound port that serves any number of WebSocket endpoints, each at its own path. */
export class WebSocketListener {
  private readonly options: ServerOptions;
  private readonly http: Server;
  private router: HandshakeRouter;

  constructor(options: ServerOptions) {
    this.options = options;
    const { targets, waiting, refused, unknown, timeouts = HTTP_TIMEOUTS, heads = HEAD_LIMITS, edge } = options;
    this.router = this.routerOf(targets, edge);
    const turns = new OneAtATime(() => refused('pipelined'));
    const serve = turns.serving((request, response) => this.answer(request, response));
    this.http = createTimedServer(timeouts, serve, { tls: options.tls, maxHead: heads.bytes });
    readHeaders(this.http, heads);
    edge?.proxied?.watch(this.http);
    waiting.watch(this.http);
    answerMalformed(this.http, undefined, (code) => refused(code));
    this.http.on('upgrade', (request, socket, head) => {
      const at = performance.now();
      if (!turns.mayServe(request)) return;
      const message = headMistake(request, heads);
      if (message !== undefined) {
        refuse(socket, { status: 431, reason: 'headers_too_large', message });
        refused('headers_too_large');
      } else if (!asksForWebSocket(request)) ignoreUpgrade(this.http, request, socket);
      else if (!this.router.receive(request, socket, head)) {
        refuseUnknown(request, socket);
        unknown(at);
      }
    });
  }

  /** Handshakes go to these from now on; those that are being checked go where they came to. */
  route(targets: readonly HandshakeTarget[], edge: ListenerEdge | undefined): void {
    this.router = this.routerOf(targets, edge);
  }

  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  listen(): Promise<number> {
    const { host, port, name } = this.options;
    return new Promise((resolve, reject) => {
      // Also for what comes later, such as a socket that cannot be accepted: unheard, it would end the process.
      this.http.on('error', (error: NodeJS.ErrnoException) => {
        const fault = listenFault(error, port);
        const what = error.code === 'EADDRINUSE' ? `${fault}; stop that one or set another port` : fault;
        reject(
          new TidegateError('TG_LISTEN_FAILED', `listeners.${name}: cannot listen on port ${port}: ${what}`, error),
        );
      });
      this.http.listen(port, host, () => resolve((this.http.address() as AddressInfo).port));
    });
  }

  /** Stops accepting; sockets that are open stay. */
  stopAccepting(): void {
    this.options.tls?.close();
    this.http.close();
    this.http.closeIdleConnections();
  }

  close(): void {
    this.stopAccepting();
  }

  private routerOf(targets: readonly HandshakeTarget[], edge: ListenerEdge | undefined): HandshakeRouter {
    const { waiting } = this.options;
    // A server that listens on a port has no other sockets.
    const admitted = (socket: Duplex) => waiting.release(socket as Socket);
    return new HandshakeRouter(targets, { ...edge?.router, admitted });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { heads = HEAD_LIMITS, onRequest, refused, tls } = this.options;
    const mistake = headMistake(request, heads);
    if (mistake !== undefined) {
      refused('headers_too_large');
      sendError(response, 431, 'headers_too_large', mistake);
      return;
    }
    // Before the pages: a stream is a connection in the metrics, and no request that takes hours.
    if (this.router.stream(request) || onRequest(request, response)) return;
    // The query may hold a token.
    const path = readHandshake(request)?.path ?? request.url?.split('?', 1)[0] ?? '';
    const endpoint = this.router.endpointAt(path);
    const shown = quoteValue(path);
    if (endpoint === undefined) {
      refused('not_found');
      sendError(response, 404, 'not_found', `there is nothing at ${shown}`);
    } else {
      const scheme = tls === undefined ? 'ws' : 'wss';
      refused('upgrade_required', endpoint.name);
      response.setHeader('upgrade', 'websocket');
      const events = endpoint.streams ? ', or ask for server-sent events by Accept: text/event-stream' : '';
      sendError(response, 426, 'upgrade_required', `${shown} speaks WebSocket; connect with ${scheme}://${events}`);
    }
  }
}

function sendError(response: ServerResponse, status: number, code: OutsideReason, message: string): void {
  const body = errorBody(code, message);
  response.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
