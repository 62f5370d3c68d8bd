import { connect, type Socket } from 'node:net';

/** What a server did with the bytes of one connection. */
export interface Conversation {
  /** Everything that it sent. */
  readonly received: Buffer;
  /** Whether it ended the connection within the time. */
  readonly isEnded: boolean;
}

/** Sends bytes on a new connection, ends its own side of it, and waits until the server has ended the other one. */
export function converse(port: number, bytes: readonly Buffer[], patience = 10_000): Promise<Conversation> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const done = (isEnded: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ received: Buffer.concat(received), isEnded });
    };
    const timer = setTimeout(() => done(false), patience);
    socket.on('error', () => {});
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('close', () => done(true));
    socket.end(Buffer.concat(bytes));
  });
}

/** A frame of a server, which is not masked (RFC 6455 5.1). */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The answer to a handshake, and the frames behind it. */
export function serverFrames(received: Buffer): { readonly head: string; readonly frames: readonly ServerFrame[] } {
  const end = received.indexOf('\r\n\r\n');
  const head = received.subarray(0, Math.max(0, end)).toString();
  const frames: ServerFrame[] = [];
  let at = end < 0 ? received.length : end + 4;
  while (at + 2 <= received.length) {
    const short = (received[at + 1] ?? 0) & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = extra === 0 ? short : Number(received.readUIntBE(at + (extra === 8 ? 4 : 2), extra === 8 ? 6 : 2));
    const from = at + 2 + extra;
    frames.push({ opcode: (received[at] ?? 0) & 0x0f, payload: received.subarray(from, from + length) });
    at = from + length;
  }
  return { head, frames };
}
