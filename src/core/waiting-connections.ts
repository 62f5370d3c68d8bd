import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What TLS runs over has no public name in Node; a test fails when it moves. */
interface Carried {
  readonly _parent?: Socket | null;
}

/**
 * Connections that take a file of the process and are not clients yet: they have sent no request, a half of one, or wait for an
 * answer. At most so many are open: for each one more the oldest is cut, because a client needs milliseconds for its request
 * and one that keeps connections open for nothing needs them to be old.
 */
export class WaitingConnections {
  private readonly most: () => number;
  private readonly cut: () => void;
  /** In the order in which they came. */
  private readonly sockets = new Set<Socket>();
  /** One listener for all of them: there may be thousands. */
  private readonly forget: (this: Socket) => void;

  /** `most`: how many may be open now. `cut` is called with each one that is cut. */
  constructor(most: () => number, cut: () => void = () => {}) {
    this.most = most;
    this.cut = cut;
    const { sockets } = this;
    this.forget = function (this: Socket) {
      sockets.delete(this);
    };
  }

  get size(): number {
    return this.sockets.size;
  }

  /** All connections of a server wait from when they are accepted until they close or are released. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.add(socket));
    // Of a server with TLS, whose requests come over another object than the connection was accepted as.
    server.prependListener('secureConnection', (socket: TLSSocket & Carried) => {
      if (socket._parent != null) this.release(socket._parent);
      if (!socket.destroyed) this.add(socket);
    });
  }

  /**
   * The same, but a connection does not count from when its request has come, body and all, until it is answered: the answer
   * may take long.
   */
  watchIdle(server: Server): void {
    this.watch(server);
    server.on('request', (request, response) => {
      const { socket } = request;
      request.once('end', () => this.release(socket));
      response.once('close', () => {
        if (!socket.destroyed) this.add(socket);
      });
    });
  }

  /** It has become a client, which others count. */
  release(socket: Socket): void {
    socket.off('close', this.forget);
    this.sockets.delete(socket);
  }

  private add(socket: Socket): void {
    // One that counts already has become the newest.
    if (!this.sockets.delete(socket)) socket.on('close', this.forget);
    this.sockets.add(socket);
    const most = this.most();
    for (const oldest of this.sockets) {
      if (this.sockets.size <= most) return;
      this.sockets.delete(oldest);
      oldest.destroy();
      this.cut();
    }
  }
}
