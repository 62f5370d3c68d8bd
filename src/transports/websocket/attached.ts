import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { HandshakeRouter, type HandshakeTarget, type RouterOptions, refuseUnknown } from './handshake-router.ts';
import type { ListenerEdge } from './listener-edge.ts';

/** A server that a program made for itself. */
export type ProgramServer = HttpServer | HttpsServer;

/** Our own listeners, among those of the program. */
const ours = new WeakSet<object>();

/**
 * Endpoints on a server of the program's own: takes the handshakes for their paths, and leaves all other handshakes and
 * all requests to the program, which opens and closes the server.
 */
export class AttachedListener {
  private readonly server: ProgramServer;
  private router: HandshakeRouter;

  private readonly unknown: (at: number) => void;

  /** `unknown` is called with handshakes that no endpoint has the path of, and when each came, by performance.now(). */
  constructor(
    server: ProgramServer,
    targets: readonly HandshakeTarget[],
    unknown: (at: number) => void,
    router: RouterOptions = {},
  ) {
    this.server = server;
    this.unknown = unknown;
    this.router = new HandshakeRouter(targets, router);
    ours.add(this.upgrade);
  }

  /** Handshakes go to these from now on. */
  route(targets: readonly HandshakeTarget[], { router }: Pick<ListenerEdge, 'router'>): void {
    this.router = new HandshakeRouter(targets, router);
  }

  /** Resolves with the server's port, or 0 while it has none. */
  async listen(): Promise<number> {
    this.server.on('upgrade', this.upgrade);
    return portOf(this.server);
  }

  /** The endpoints refuse handshakes that come from now on: without us, they would get no answer. */
  stopAccepting(): void {}

  close(): void {
    this.server.off('upgrade', this.upgrade);
  }

  private readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const at = performance.now();
    if (this.router.receive(request, socket, head)) return;
    // A handshake that no endpoint takes would wait for ever: the last of us answers it, unless the program may do so.
    const all = this.server.listeners('upgrade');
    if (!all.every((one) => ours.has(one)) || all.at(-1) !== this.upgrade) return;
    refuseUnknown(request, socket);
    this.unknown(at);
  };
}

/** 0 while it is not bound, or where it is bound to no port. */
export function portOf(server: ProgramServer): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
