/*
 * A WebSocket server that says the same number of messages a second, JSON of 200 B, whatever the number of its clients is:
 * every 10 ms some messages, which are distributed among them. The frames are made before.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { serve } from '../child.ts';

const BYTES = 200;
const SYMBOLS = 1_000;
const TICK = 10;
/** Bytes that wait in a socket: a client that is behind by so much gets no more, and the bench sees that messages lack. */
const MAX_WAITING = 4 * 1_048_576;

const frames = Array.from({ length: SYMBOLS }, (_, n) => frame(`{"symbol":"S${n}","price":${43_000 + n / 7},"pad":"`));
const sockets = new Set<Socket>();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (_, { socket }) => {
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  sockets.add(socket);
});

function frame(start: string): Buffer {
  const payload = Buffer.from(`${start}${'-'.repeat(BYTES - start.length - 2)}"}`);
  return Buffer.concat([Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]), payload]);
}

/** Sends `rate` messages a second; symbol n belongs to socket n modulo their number. */
function send(rate: number): void {
  let owed = 0;
  let symbol = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    owed += ((now - last) * rate) / 1_000;
    last = now;
    const all = [...sockets];
    if (all.length === 0) return;
    const parts = all.map((): Buffer[] => []);
    for (; owed >= 1; owed -= 1) {
      parts[symbol % all.length]?.push(frames[symbol % SYMBOLS] as Buffer);
      symbol += 1;
    }
    for (const [at, part] of parts.entries()) {
      const socket = all[at];
      if (part.length > 0 && socket !== undefined && socket.writableLength < MAX_WAITING)
        socket.write(Buffer.concat(part));
    }
  }, TICK);
}

serve({
  listen: async (rate: number) => {
    if (server.address() === null) await once(server, 'listening');
    send(rate);
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
});
