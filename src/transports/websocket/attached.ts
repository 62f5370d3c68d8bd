import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type EndpointDoor, Reception, refuseUnknown } from './reception.ts';

/** A server that a program made for itself. */
export type ProgramServer = HttpServer | HttpsServer;

/** What listeners of ours stand beside those of the program. */
const ours = new WeakSet<object>();

/**
 * Endpoints on a server of the program's own: takes the handshakes for their paths, and leaves all other handshakes and
 * all requests to the program, which opens and closes the server.
 */
export class AttachedListener {
  private readonly server: ProgramServer;
  private readonly reception: Reception;

  constructor(server: ProgramServer, doors: readonly EndpointDoor[]) {
    this.server = server;
    this.reception = new Reception(doors);
    ours.add(this.upgrade);
  }

  /** Resolves with the server's port, or 0 while it has none. */
  async listen(): Promise<number> {
    this.server.on('upgrade', this.upgrade);
    return portOf(this.server);
  }

  /** Who comes from now on is turned away by the doors: without us, nobody would answer. */
  stopAccepting(): void {}

  close(): void {
    this.server.off('upgrade', this.upgrade);
  }

  private readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.reception.receive(request, socket, head)) return;
    // A handshake that nobody takes would wait for ever: the last of us answers it, unless the program may do so.
    const all = this.server.listeners('upgrade');
    if (all.every((one) => ours.has(one)) && all.at(-1) === this.upgrade) refuseUnknown(request, socket);
  };
}

/** 0 while it is not bound, or where it is bound to no port. */
export function portOf(server: ProgramServer): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
