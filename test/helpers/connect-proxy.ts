import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy that knows CONNECT. */
export interface ConnectProxy {
  readonly port: number;
  /** What it was asked for, such as `127.0.0.1:8080`. */
  readonly asked: string[];
  /** Connections that clients have open, or that it has to servers. */
  readonly open: number;
}

/** `credentials`, as `user:password`, are wanted where they are given. */
export async function startProxy(
  t: { after(cleanup: () => Promise<void>): void },
  credentials?: string,
): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connect', (request, client: Socket) => {
    sockets.add(client);
    asked.push(request.url ?? '');
    client.on('error', () => {});
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nconnection: close\r\n\r\n');
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    get open() {
      return [...sockets].filter(({ destroyed }) => !destroyed).length;
    },
  };
}
