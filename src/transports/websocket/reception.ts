import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Socket } from '../../core/socket.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { type HandshakeRequest, type Refusal, readHandshake, refuse } from './handshake.ts';
import { type Match, matchRoute, parameterProblem, type Route } from './route.ts';
import { ServerSocket } from './socket.ts';

/** What a server needs of an endpoint to let sockets in. */
export interface EndpointDoor {
  readonly name: string;
  /** The paths that lead to it. */
  readonly routes: readonly Route[];
  /** Whether pages of that origin may connect. Clients that are not browsers send none, and are not asked for it. */
  isAllowed(origin: string): boolean;
  /** Subprotocols that are spoken; a client that offers none of them gets none. */
  readonly protocols: readonly string[];
  /** Its codec has a rule of its own for the path's parameters, and closes a client that breaks it with the reason. */
  readonly checksParams: boolean;
  /** Largest message in bytes; a larger one closes the socket with 1009. */
  readonly maxPayload: number;
  /** Why no socket may come in now, or undefined. Asked for each handshake. */
  refusal(): Refusal | undefined;
  /** Told of every handshake that was turned away. */
  refused(request: HandshakeRequest, refusal: Refusal): void;
  accept(socket: Socket, request: HandshakeRequest): void;
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
  /** For those who are turned away behind the handshake. */
  readonly doorman: WebSocketServer;
}

/** Takes handshakes, for any number of WebSocket endpoints that are told apart by path, from whichever server. */
export class Reception {
  private readonly doors: readonly Door[];

  constructor(doors: readonly EndpointDoor[]) {
    this.doors = doors.map((door) => ({
      door,
      upgrader: upgraderOf(door, door.maxPayload),
      doorman: upgraderOf(door, LAST_WORDS),
    }));
  }

  /** Whether an endpoint has that path. */
  knows(path: string): boolean {
    const found = this.find(path);
    return found !== undefined && notFound(found.door.door, found.problem) === undefined;
  }

  /** Lets a client in, or says why not. False where no endpoint has the path: nothing was done then. */
  receive(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const handshake = readHandshake(request);
    const found = handshake === undefined ? undefined : this.find(handshake.path);
    if (handshake === undefined || found === undefined) return false;
    const { door, upgrader, doorman } = found.door;
    const known = { ...handshake, ...found.match };
    const { problem } = found;
    const refusal = notFound(door, problem) ?? originRefusal(door, handshake.headers.origin) ?? door.refusal();
    if (refusal !== undefined) {
      door.refused(known, refusal);
      refuse(socket, refusal);
    } else if (problem !== undefined) {
      door.refused(known, { status: 101, reason: 'path', message: problem });
      doorman.handleUpgrade(request, socket, head, (ws) => turnAway(ws, problem));
    } else {
      upgrader.handleUpgrade(request, socket, head, (ws) => door.accept(new ServerSocket(ws), known));
    }
    return true;
  }

  /** `*` is for what no other endpoint has, and a path with parameters that cannot be is no endpoint's if another one has it. */
  private find(path: string): Found | undefined {
    let any: Found | undefined;
    let broken: Found | undefined;
    for (const door of this.doors) {
      for (const route of door.door.routes) {
        const match = matchRoute(route, path);
        if (match === undefined) continue;
        const problem = door.door.checksParams ? match.problem : parameterProblem(match);
        const found = { door, match, problem };
        if (route.isAny) any ??= found;
        else if (problem === undefined) return found;
        else broken ??= found;
      }
    }
    return broken ?? any;
  }
}

function upgraderOf({ protocols }: EndpointDoor, maxPayload: number): WebSocketServer {
  const upgrader = new WebSocketServer({ ...PLAIN, maxPayload, handleProtocols: chooserAmong(protocols) });
  // Otherwise ws answers handshakes that break RFC 6455 in a form of its own.
  upgrader.on('wsClientError', ({ message }, socket, { method }) =>
    refuse(socket, { status: method === 'GET' ? 400 : 405, reason: 'bad_handshake', message: decapitalized(message) }),
  );
  return upgrader;
}

/** Whichever of ours the client prefers; without one the handshake goes on, and the client decides (RFC 6455 4.2.2). */
function chooserAmong(spoken: readonly string[]) {
  return (offered: ReadonlySet<string>): string | false => {
    for (const protocol of offered) if (spoken.includes(protocol)) return protocol;
    return false;
  };
}

/** An endpoint whose path fits, and what is wrong with the parameters. */
interface Found {
  readonly door: Door;
  readonly match: Match;
  readonly problem: string | undefined;
}

function notFound(door: EndpointDoor, problem: string | undefined): Refusal | undefined {
  if (problem === undefined || door.checksParams) return undefined;
  return { status: 404, reason: 'path', message: problem };
}

function decapitalized(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** For a handshake that nobody takes. */
export function refuseUnknown(request: IncomingMessage, socket: Duplex): void {
  refuse(socket, { status: 404, reason: 'not_found', message: `there is no endpoint at ${request.url}` });
}

/** A browser's script sees a close code and reason, and nothing at all of a handshake's 4xx. */
function turnAway(ws: WebSocket, problem: string): void {
  // Nobody else listens to this socket, and an error that nobody hears ends the process.
  ws.on('error', () => {});
  ws.close(CLOSE_CODES.refused.code, problem);
  setTimeout(() => ws.terminate(), CLOSE_TIMEOUT).unref();
}

function originRefusal(door: EndpointDoor, origin: string | undefined): Refusal | undefined {
  if (origin === undefined || door.isAllowed(origin)) return undefined;
  const shown = shownOrigin(origin);
  const message = `the origin ${shown} is not in endpoints.${door.name}.origins`;
  return { status: 403, reason: 'origin', message, origin: shown };
}

/** Characters of an origin that messages repeat: a client may send anything. */
const MOST_SHOWN = 200;

/** An origin as it may be written to a terminal. */
function shownOrigin(origin: string): string {
  return origin.slice(0, MOST_SHOWN).replaceAll(/[^\x20-\x7e]/g, '?');
}
