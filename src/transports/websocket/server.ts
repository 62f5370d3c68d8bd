import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TidegateError } from '../../core/errors.ts';
import { answerMalformed, errorBody, JSON_TYPE } from '../../core/http-error.ts';
import { readHandshake } from './handshake.ts';
import { asksForWebSocket, ignoreUpgrade } from './other-upgrades.ts';
import { type EndpointDoor, Reception, refuseUnknown } from './reception.ts';

export interface ServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  /** Where the port comes from, for the error when it is taken. */
  readonly name: string;
  readonly doors: readonly EndpointDoor[];
  /** Plain HTTP on the same port; false where the request is not known. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A bound port that serves any number of WebSocket endpoints, told apart by path. */
export class WebSocketListener {
  private readonly options: ServerOptions;
  private readonly http: Server;
  private readonly reception: Reception;

  constructor(options: ServerOptions) {
    this.options = options;
    this.reception = new Reception(options.doors);
    this.http = createServer((request, response) => this.answer(request, response));
    answerMalformed(this.http);
    this.http.on('upgrade', (request, socket, head) => {
      if (!asksForWebSocket(request)) ignoreUpgrade(this.http, request, socket);
      else if (!this.reception.receive(request, socket, head)) refuseUnknown(request, socket);
    });
  }

  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  listen(): Promise<number> {
    const { host, port, name } = this.options;
    return new Promise((resolve, reject) => {
      // Also for what comes later, such as a socket that cannot be accepted: unheard, it would end the process.
      this.http.on('error', (error: NodeJS.ErrnoException) => {
        const what =
          error.code === 'EADDRINUSE' ? 'another program uses it; stop that one or set another port' : error.message;
        reject(
          new TidegateError('TG_LISTEN_FAILED', `listeners.${name}: cannot listen on port ${port}: ${what}`, error),
        );
      });
      this.http.listen(port, host, () => resolve((this.http.address() as AddressInfo).port));
    });
  }

  /** Stops accepting; sockets that are open stay. */
  stopAccepting(): void {
    this.http.close();
    this.http.closeIdleConnections();
  }

  close(): void {
    this.stopAccepting();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.options.onRequest(request, response)) return;
    const path = readHandshake(request)?.path ?? request.url ?? '';
    const isEndpoint = this.reception.knows(path);
    const [status, code, message] = isEndpoint
      ? ([426, 'upgrade_required', `${path} speaks WebSocket; connect with ws://`] as const)
      : ([404, 'not_found', `there is nothing at ${path}`] as const);
    const body = errorBody(code, message);
    response.writeHead(status, {
      'content-type': JSON_TYPE,
      'content-length': Buffer.byteLength(body),
      ...(isEndpoint ? { upgrade: 'websocket' } : {}),
    });
    response.end(body);
  }
}
