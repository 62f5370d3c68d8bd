import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A WebSocket by hand: it sends what no library would send, and reads only where it is asked to. */
export class RawClient {
  readonly socket: Socket;
  isClosed = false;
  /** Bytes read behind the handshake. */
  received = 0;
  /** The answer to the handshake. */
  answer = '';
  /** The code of the close frame that came, where it is a packet's last frame. */
  closeCode: number | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawClient> {
    const client = new RawClient(connect({ port, host: '127.0.0.1', noDelay: true }));
    client.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        `${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n`,
    );
    const [answer] = (await once(client.socket, 'data')) as [Buffer];
    if (!answer.toString().startsWith('HTTP/1.1 101')) throw new Error(answer.toString());
    client.answer = answer.toString();
    client.socket.on('data', (chunk: Buffer) => {
      client.received += chunk.length;
      const close = chunk.indexOf(0x88);
      if (close >= 0 && chunk.length >= close + 4) client.closeCode = chunk.readUInt16BE(close + 2);
    });
    return client;
  }

  /** Opens many, some at a time. */
  static async openAll(count: number, port: number, path: string): Promise<RawClient[]> {
    const clients: RawClient[] = [];
    while (clients.length < count) {
      const some = Math.min(50, count - clients.length);
      clients.push(...(await Promise.all(Array.from({ length: some }, () => RawClient.open(port, path)))));
    }
    return clients;
  }
}

/** The head of a masked frame (RFC 6455 5.2) with a mask of zeros, which leaves the payload as it is. */
export function frameHead(length: number, { opcode = 2, fin = true } = {}): Buffer {
  const first = (fin ? 0x80 : 0) | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length, 0, 0, 0, 0]);
  const head = Buffer.alloc(length < 65_536 ? 8 : 14);
  head[0] = first;
  head[1] = 0x80 | (length < 65_536 ? 126 : 127);
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeUInt32BE(length, 6);
  return head;
}

export function wholeFrame(payload: Buffer, how: { opcode?: number; fin?: boolean } = {}): Buffer {
  return Buffer.concat([frameHead(payload.length, how), payload]);
}
