import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { tlsFile } from '../helpers/feed-server.ts';

/** `expired` and `future` are signed by out-of-date-ca.pem, which is good itself; all are for localhost and feed.test. */
export type Certificate = 'server' | 'expired' | 'future';

/** Speaks TLS in front of a server that does not, with a certificate that can be exchanged as an operator does it. */
export class TlsFront {
  private readonly server: Server;
  private readonly target: number;
  private readonly sockets = new Set<Socket>();

  private constructor(target: number) {
    this.target = target;
    this.server = createServer(pem('server'), (client) => this.accept(client));
    this.server.on('connection', (socket: Socket) => this.sockets.add(socket.on('error', () => {})));
    this.server.on('tlsClientError', () => {});
  }

  static async start(t: { after(end: () => void): void }, target: number, port = 0): Promise<TlsFront> {
    const front = new TlsFront(target);
    front.server.listen(port);
    await once(front.server, 'listening');
    t.after(() => {
      front.server.close();
      front.cutAll();
    });
    return front;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Connections from now on get this one; those that there are end. */
  serve(certificate: Certificate): void {
    this.server.setSecureContext(pem(certificate));
    this.cutAll();
  }

  private cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  private accept(client: Socket): void {
    const inner = connect(this.target, '127.0.0.1');
    this.sockets.add(inner);
    const end = () => {
      client.destroy();
      inner.destroy();
    };
    for (const socket of [client, inner]) socket.on('error', end).on('close', end);
    client.pipe(inner).pipe(client);
  }
}

function pem(certificate: Certificate) {
  const key = certificate === 'server' ? 'server.key.pem' : 'out-of-date.key.pem';
  return { cert: readFileSync(tlsFile(`${certificate}.pem`)), key: readFileSync(tlsFile(key)) };
}

/** All authorities of the tests, for a file that is to be trusted. */
export function authorities(): string {
  return ['ca.pem', 'out-of-date-ca.pem'].map((name) => readFileSync(tlsFile(name), 'utf8')).join('');
}
