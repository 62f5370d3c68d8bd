import type { Server, Socket } from 'node:net';
import type { AddressRanges } from '../../core/address-ranges.ts';
import { plainAddress } from '../../core/client-address.ts';
import { type ProxyVersions, readProxyHeader } from './proxy-header.ts';

export interface ProxyOptions {
  readonly versions: ProxyVersions;
  /** Proxies that may connect; every peer where it is empty. */
  readonly trusted: AddressRanges;
  /** Milliseconds until the header has come. */
  readonly timeout: number;
  /** A connection was cut, as its header did not come as it should. */
  readonly refused: (peer: string, reason: string) => void;
}

/**
 * Connections of a server that begin with a header of the PROXY protocol. It is read from the network socket, below TLS and HTTP:
 * the server sees a connection, and all that follows the header, once the header is there.
 */
export class ProxiedConnections {
  private readonly options: ProxyOptions;
  /** Addresses of clients by both ends of the proxy's connection, which a TLS socket has in common with the one below. */
  private readonly sources = new Map<string, string>();

  constructor(options: ProxyOptions) {
    this.options = options;
  }

  /** The address of a client as the proxy gave it; undefined where it spoke for itself. */
  sourceOf(socket: Ends): string | undefined {
    return this.sources.get(endOf(socket));
  }

  /** To be called when all listeners for `connection` that are to see the stream behind the header are there. */
  watch(server: Server): void {
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.read(socket, () => {
        for (const listener of serve) listener.call(server, socket);
      });
    });
  }

  private read(socket: Socket, proceed: () => void): void {
    const { versions, trusted, timeout } = this.options;
    const peer = plainAddress(socket.remoteAddress ?? '') ?? '';
    if (!trusted.isEmpty && !trusted.has(peer)) {
      this.cut(socket, peer, 'it is not from one of trusted_proxies');
      return;
    }
    let bytes: Buffer = Buffer.alloc(0);
    const end = () => {
      clearTimeout(timer);
      socket.off('readable', take).off('error', gone).off('end', gone).off('close', end);
    };
    const fail = (reason: string) => {
      end();
      this.cut(socket, peer, reason);
    };
    const gone = () => socket.destroy();
    const take = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes, versions);
      if (header.type === 'incomplete') return;
      if (header.type === 'broken') {
        fail(header.reason);
        return;
      }
      end();
      this.keep(socket, header.source);
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
      proceed();
    };
    const timer = setTimeout(() => fail(`its PROXY header did not come within ${timeout} ms`), timeout).unref();
    // A health check connects and goes: the socket of an HTTP server would stay half open.
    socket.on('readable', take).on('error', gone).on('end', gone).on('close', end);
  }

  private keep(socket: Socket, source: string | undefined): void {
    if (source === undefined) return;
    const end = endOf(socket);
    this.sources.set(end, source);
    socket.once('close', () => this.sources.delete(end));
  }

  private cut(socket: Socket, peer: string, reason: string): void {
    socket.destroy();
    this.options.refused(peer, reason);
  }
}

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

/** A proxy may use one port for connections to two addresses of this machine. */
function endOf({ remoteAddress, remotePort, localAddress, localPort }: Ends): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
