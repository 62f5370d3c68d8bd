import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Lets one request of a connection be answered at a time. Node serves all that come in one chunk at once, and keeps the answers
 * until the client reads them: 64 KiB of requests were hundreds of megabytes of answers. A client has to be ready to send again
 * what it has pipelined (RFC 9112 9.3.2), so the connection ends at the first request that does not wait for its turn.
 */
export class OneAtATime {
  private readonly cut: () => void;
  /** Connections with an answer that has not left. */
  private readonly answering = new WeakSet<Duplex>();

  /** `cut` is called with each connection that ends. */
  constructor(cut: () => void = () => {}) {
    this.cut = cut;
  }

  /** `serve` for the requests that may be answered. */
  serving(serve: RequestListener): RequestListener {
    return (request, response) => {
      if (!this.mayServe(request)) return;
      const { socket } = request;
      this.answering.add(socket);
      response.once('close', () => this.answering.delete(socket));
      serve(request, response);
    };
  }

  /** Ends the connection where it may not; for an upgrade, too, whose bytes would be mixed with those of the answer. */
  mayServe({ socket }: IncomingMessage): boolean {
    // Node goes on parsing a chunk whose connection has ended.
    if (socket.destroyed) return false;
    if (!this.answering.has(socket)) return true;
    socket.destroy();
    this.cut();
    return false;
  }
}
