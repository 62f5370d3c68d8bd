import type { IncomingMessage } from 'node:http';
import type { Socket as NetworkSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Admitted } from '../../core/access.ts';
import { printableValue, quoteValue } from '../../core/quote.ts';
import { AccessChecks, answerOf } from './access-checks.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { deflateAnswer } from './deflate-offer.ts';
import { asksForEvents, EventStreamSocket } from './event-stream.ts';
import { type HandshakeRequest, hold, type Refusal, readHandshake, refuse } from './handshake.ts';
import type { HandshakeLimits } from './handshake-limits.ts';
import { type Match, matchRoute, parameterProblem } from './route.ts';
import { ServerSocket } from './socket.ts';
import type { HandshakeTarget } from './target.ts';

/** Bytes that a client may still send after it was refused: they are read for its close frame alone. */
const MAX_LAST_BYTES = 1_024;
/** Pieces that it may come in. */
const MAX_LAST_PIECES = 64;
/** Milliseconds that it has for that. */
const CLOSE_TIMEOUT = 5_000;

/**
 * No tracking: the endpoint knows its members, and a second Set of all sockets costs memory. `closeTimeout`, which the types do
 * not know yet, is for a peer that ws has closed for its mistake.
 */
const PLAIN = { noServer: true, clientTracking: false, perMessageDeflate: false, closeTimeout: CLOSE_TIMEOUT } as const;

export interface RouterOptions {
  /** Address of the client of a request; that of its socket where it is left out. */
  readonly addressOf?: ((request: IncomingMessage) => string) | undefined;
  readonly limits?: HandshakeLimits | undefined;
  /** Called with the connection of each client that is let in. */
  readonly admitted?: (socket: Duplex) => void;
}

interface Destination {
  readonly target: HandshakeTarget;
  readonly upgrader: WebSocketServer;
  /** For clients that are refused after the handshake. */
  readonly rejecter: WebSocketServer;
  /** Undefined where nothing has to be found out about clients. */
  readonly checks: AccessChecks | undefined;
}

/** Gives the handshakes of a server to its WebSocket endpoints, by their paths, or refuses them. */
export class HandshakeRouter {
  private readonly destinations: readonly Destination[];
  private readonly options: RouterOptions;

  constructor(targets: readonly HandshakeTarget[], options: RouterOptions = {}) {
    this.options = options;
    this.destinations = targets.map((target) => ({
      target,
      upgrader: answeringOffers(target, upgraderOf(target, { maxPayload: target.maxPayload })),
      rejecter: upgraderOf(target, {
        maxPayload: MAX_LAST_BYTES,
        maxBufferedChunks: MAX_LAST_PIECES,
        maxFragments: MAX_LAST_PIECES,
      }),
      checks: target.access === undefined ? undefined : new AccessChecks(target.access),
    }));
  }

  /** The endpoint that has the path. */
  endpointAt(path: string): Pick<HandshakeTarget, 'name' | 'streams'> | undefined {
    const found = this.find(path);
    if (found === undefined || notFound(found.to.target, found.problem) !== undefined) return undefined;
    return found.to.target;
  }

  /** Lets a client in that asks for server-sent events, or says why not. False where none are to be had: nothing was done then. */
  stream(request: IncomingMessage): boolean {
    if (!asksForEvents(request)) return false;
    const found = this.find(readHandshake(request)?.path ?? '');
    if (found?.to.target.streams !== true) return false;
    return this.receive(request, request.socket);
  }

  /**
   * Lets a client in, or says why not. False where no endpoint has the path: nothing was done then. `head`: what came behind
   * the handshake of a WebSocket; undefined for a client that receives events.
   */
  receive(request: IncomingMessage, socket: Duplex, head?: Buffer): boolean {
    const { addressOf, limits } = this.options;
    const handshake = readHandshake(request, addressOf?.(request));
    const found = handshake === undefined ? undefined : this.find(handshake.path);
    if (handshake === undefined || found === undefined) return false;
    const refusal = limits?.refusal(handshake.remote ?? '', socket);
    if (refusal === undefined) this.answer(found, handshake, { request, socket, head });
    else {
      refuse(socket, refusal);
      found.to.target.refused({ ...handshake, ...found.match }, refusal);
    }
    return true;
  }

  /** `admitted`: what was found out about the client, where that had to be. */
  private answer(found: Found, handshake: HandshakeRequest, upgrade: Upgrade, admitted?: Admitted): void {
    const { target, upgrader, checks } = found.to;
    const { request, socket, head } = upgrade;
    const access = admitted !== undefined && 'access' in admitted ? admitted.access : undefined;
    const identity = access?.identity;
    const known = { ...handshake, ...found.match, ...(identity === undefined ? {} : { identity }) };
    const { problem } = found;
    const refusal = notFound(target, problem) ?? headerRefusal(target, handshake) ?? target.refusal(known);
    if (refusal?.until !== undefined) {
      hold(socket, refusal.until, () => this.answer(found, handshake, upgrade, admitted));
    } else if (refusal !== undefined) {
      refuse(socket, refusal);
      target.refused(known, refusal);
    } else if (problem !== undefined) {
      const why = { status: 101, reason: 'path', message: problem };
      this.reject(found.to, known, upgrade, why, { code: CLOSE_CODES.refused.code, reason: problem });
    } else if (checks !== undefined && admitted === undefined) {
      // The gateway may be stopping, or full, when the check is done.
      checks.run(known, socket, (outcome) => this.answer(found, handshake, upgrade, outcome));
    } else if (admitted !== undefined && 'refusal' in admitted) {
      const isPage = head !== undefined && handshake.headers.origin !== undefined;
      const { refusal: why, asClose } = answerOf(admitted.refusal, isPage);
      if (asClose !== undefined) this.reject(found.to, known, upgrade, why, asClose);
      else {
        refuse(socket, why);
        target.refused(known, why);
      }
    } else if (head === undefined) {
      this.options.admitted?.(socket);
      const stream = new EventStreamSocket(socket as NetworkSocket, handshake.headers.origin, known.remote);
      target.accept(stream, known, access);
    } else {
      upgrader.handleUpgrade(request, socket, head, (ws) => {
        this.options.admitted?.(socket);
        const wire = target.compresses && deflateAnswer(extensionsOf(request)) !== undefined ? 'deflate' : 'plain';
        target.accept(new ServerSocket(ws, target.memory, known.remote, wire), known, access);
      });
    }
  }

  /** Accepts a handshake for nothing but a close frame. */
  private reject(
    { target, rejecter }: Destination,
    known: HandshakeRequest,
    { request, socket, head = Buffer.alloc(0) }: Upgrade,
    refusal: Refusal,
    { code, reason }: { readonly code: number; readonly reason: string },
  ): void {
    rejecter.handleUpgrade(request, socket, head, (ws) => {
      target.refused(known, refusal);
      closeRefused(ws, code, reason);
    });
  }

  /** `*` is for what no other endpoint has, and a path with parameters that cannot be is no endpoint's if another one has it. */
  private find(path: string): Found | undefined {
    let any: Found | undefined;
    let broken: Found | undefined;
    for (const to of this.destinations) {
      for (const route of to.target.routes) {
        const match = matchRoute(route, path);
        if (match === undefined) continue;
        const problem = to.target.checksParams ? match.problem : parameterProblem(match);
        const found = { to, match, problem };
        if (route.isAny) any ??= found;
        else if (problem === undefined) return found;
        else broken ??= found;
      }
    }
    return broken ?? any;
  }
}

function upgraderOf(target: HandshakeTarget, limits: ServerOptions): WebSocketServer {
  const upgrader = new WebSocketServer({ ...PLAIN, ...limits, handleProtocols: chooserAmong(target) });
  // Otherwise ws answers handshakes that break RFC 6455 in a form of its own.
  upgrader.on('wsClientError', ({ message }, socket, request) => {
    const status = request.method === 'GET' ? 400 : 405;
    const refusal = { status, reason: 'bad_handshake', message: decapitalized(message) };
    const handshake = readHandshake(request);
    if (handshake !== undefined) target.refused(handshake, refusal);
    refuse(socket, refusal);
  });
  return upgrader;
}

/** Not for clients that are refused: they get nothing but a close frame. */
function answeringOffers(target: HandshakeTarget, upgrader: WebSocketServer): WebSocketServer {
  if (!target.compresses) return upgrader;
  return upgrader.on('headers', (headers, request) => {
    const answer = deflateAnswer(extensionsOf(request));
    if (answer !== undefined) headers.push(`Sec-WebSocket-Extensions: ${answer}`);
  });
}

function extensionsOf({ headers }: IncomingMessage): string | undefined {
  return headers['sec-websocket-extensions'];
}

/** The one of ours that the client prefers; without one the handshake goes on, and the client decides (RFC 6455 4.2.2). */
function chooserAmong({ protocols, access }: HandshakeTarget) {
  return (offered: ReadonlySet<string>): string | false => {
    // One that carries a token is never repeated in the answer.
    for (const protocol of offered)
      if (protocols.includes(protocol) && access?.isTokenProtocol(protocol) !== true) return protocol;
    return false;
  };
}

/** What Node gives of a handshake. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer | undefined;
}

/** An endpoint whose path fits, and what is wrong with the parameters. */
interface Found {
  readonly to: Destination;
  readonly match: Match;
  readonly problem: string | undefined;
}

function notFound(target: HandshakeTarget, problem: string | undefined): Refusal | undefined {
  if (problem === undefined || target.checksParams) return undefined;
  return { status: 404, reason: 'path', message: problem };
}

function decapitalized(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** For a handshake that no endpoint takes. */
export function refuseUnknown({ url = '' }: IncomingMessage, socket: Duplex): void {
  // The query may hold a token.
  const [path = ''] = url.split('?', 1);
  refuse(socket, { status: 404, reason: 'not_found', message: `there is no endpoint at ${quoteValue(path)}` });
}

/** A browser's script sees a close code and reason, and nothing at all of a handshake's 4xx. */
function closeRefused(ws: WebSocket, code: number, reason: string): void {
  // This socket has no other listeners, and an error event without a listener ends the process.
  ws.on('error', () => {});
  ws.close(code, reason);
  const cut = setTimeout(() => ws.terminate(), CLOSE_TIMEOUT).unref();
  // A timer keeps all of the connection in memory, also once it has ended.
  ws.once('close', () => clearTimeout(cut));
}

const NO_HOST: Refusal = { status: 400, reason: 'bad_handshake', message: 'the handshake has no Host' };

function headerRefusal(target: HandshakeTarget, { headers, isSecure = false }: HandshakeRequest): Refusal | undefined {
  const { origin, host } = headers;
  // RFC 6455 4.2.1; Node asks for it in requests only that are no upgrades.
  if (host === undefined) return NO_HOST;
  if (origin === undefined || target.isAllowed(origin, host, isSecure)) return undefined;
  const shown = printableValue(origin);
  const message = `the origin ${shown} is not in endpoints.${target.name}.origins`;
  return { status: 403, reason: 'origin', message, origin: shown };
}
