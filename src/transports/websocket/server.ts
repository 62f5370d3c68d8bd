import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { TidegateError } from '../../core/errors.ts';
import type { Socket } from '../../core/socket.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { type HandshakeRequest, type Refusal, readHandshake, refuse } from './handshake.ts';
import { type Match, matchRoute, type Route } from './route.ts';
import { ServerSocket } from './socket.ts';

/** What a server needs of an endpoint to let sockets in. */
export interface EndpointDoor {
  readonly name: string;
  /** The paths that lead to it. */
  readonly routes: readonly Route[];
  /** Patterns of allowed origins; `*` allows all, also none (clients that are no browsers send none). */
  readonly origins: readonly string[];
  /** Largest message in bytes; a larger one closes the socket with 1009. */
  readonly maxPayload: number;
  /** Why no socket may come in now, or undefined. Asked for each handshake. */
  refusal(): Refusal | undefined;
  /** Told of every handshake that was turned away. */
  refused(request: HandshakeRequest, refusal: Refusal): void;
  accept(socket: Socket, request: HandshakeRequest): void;
}

export interface ServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  /** Where the port comes from, for the error when it is taken. */
  readonly name: string;
  readonly doors: readonly EndpointDoor[];
  /** Plain HTTP on the same port; false where the request is not known. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** What a client may still send that is turned away behind its handshake: it is read for its close frame alone. */
const LAST_WORDS = 1_024;
/** Milliseconds that it has for that. */
const CLOSE_TIMEOUT = 5_000;

/** No tracking: the audience knows its members, and a second Set of all sockets costs memory. */
const PLAIN = { noServer: true, clientTracking: false, perMessageDeflate: false } as const;

interface Door {
  readonly door: EndpointDoor;
  readonly upgrader: WebSocketServer;
}

/** A bound port that serves any number of WebSocket endpoints, told apart by path. */
export class WebSocketListener {
  private readonly options: ServerOptions;
  private readonly http: Server;
  private readonly doors: readonly Door[];
  /** For those who are turned away behind the handshake. */
  private readonly doorman = new WebSocketServer({ ...PLAIN, maxPayload: LAST_WORDS });

  constructor(options: ServerOptions) {
    this.options = options;
    this.http = createServer((request, response) => this.answer(request, response));
    this.http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    this.doors = options.doors.map((door) => ({
      door,
      upgrader: new WebSocketServer({ ...PLAIN, maxPayload: door.maxPayload }),
    }));
  }

  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  listen(): Promise<number> {
    const { host, port, name } = this.options;
    return new Promise((resolve, reject) => {
      this.http.once('error', (error: NodeJS.ErrnoException) => {
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

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.options.onRequest(request, response)) return;
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const isEndpoint = this.find(path) !== undefined;
    const status = isEndpoint ? 426 : 404;
    const message = isEndpoint ? `${path} speaks WebSocket; connect with ws://` : `there is nothing at ${path}`;
    response.writeHead(status, { 'content-type': 'application/json', ...(isEndpoint ? { upgrade: 'websocket' } : {}) });
    response.end(JSON.stringify({ error: { code: status, message } }));
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const handshake = readHandshake(request);
    const found = handshake === undefined ? undefined : this.find(handshake.path);
    if (handshake === undefined || found === undefined) {
      refuse(socket, { status: 404, reason: 'unknown_path', message: `there is no endpoint at ${request.url}` });
      return;
    }
    const { door, upgrader } = found.door;
    const known = { ...handshake, ...found.match };
    const refusal = originRefusal(door, handshake.headers.origin) ?? door.refusal();
    if (refusal !== undefined) {
      door.refused(known, refusal);
      refuse(socket, refusal);
      return;
    }
    const { problem } = found.match;
    if (problem !== undefined) {
      door.refused(known, { status: 101, reason: 'path', message: problem });
      this.doorman.handleUpgrade(request, socket, head, (ws) => turnAway(ws, problem));
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (ws) => door.accept(new ServerSocket(ws), known));
  }

  private find(path: string): { door: Door; match: Match } | undefined {
    return this.findAmong(path, false) ?? this.findAmong(path, true);
  }

  /** `*` is for what no other endpoint has. */
  private findAmong(path: string, isAny: boolean): { door: Door; match: Match } | undefined {
    for (const door of this.doors) {
      for (const route of door.door.routes) {
        const match = route.isAny === isAny ? matchRoute(route, path) : undefined;
        if (match !== undefined) return { door, match };
      }
    }
    return undefined;
  }
}

/** A browser's script sees a close code and reason, and nothing at all of a handshake's 4xx. */
function turnAway(ws: WebSocket, problem: string): void {
  // Nobody else listens to this socket, and an error that nobody hears ends the process.
  ws.on('error', () => {});
  ws.close(CLOSE_CODES.refused.code, problem);
  setTimeout(() => ws.terminate(), CLOSE_TIMEOUT).unref();
}

function originRefusal(door: EndpointDoor, origin: string | undefined): Refusal | undefined {
  if (origin === undefined || door.origins.some((allowed) => allowed === '*' || allowed === origin)) return undefined;
  return { status: 403, reason: 'origin', message: `the origin ${origin} is not in endpoints.${door.name}.origins` };
}
