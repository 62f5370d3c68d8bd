/*
 * A WebSocket server that says JSON of 200 B, compressed or not, as fast as its one client takes it. The frames are made
 * before, and written many at a time: the load must cost less than what it measures.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { serve } from '../child.ts';

export type Packing = 'plain' | 'gzip' | 'deflate';

const FRAMES = 2_000;
const BYTES = 200;
const PACK = { plain: (text: string) => Buffer.from(text), gzip: gzipSync, deflate: deflateSync };

let chunks: Buffer[] = [];

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (_, { socket }) => push(socket, 0));

/** A trade as exchanges send it; no two are the same. */
function trade(n: number): string {
  const one = {
    id: 1_000_000_007 + n * 7_919,
    price: (43_000 + n / 7).toFixed(2),
    amount: ((n * 7_919) % 10_007) / 1e4,
  };
  const json = JSON.stringify({
    ch: 'market.btcusdt.trade.detail',
    ts: 1_790_000_000_000 + n,
    tick: { data: [one] },
    seq: n,
  });
  return `${json.slice(0, -1)},"pad":"${'-'.repeat(BYTES - json.length - 9)}"}`;
}

function frame(payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? [0x82, length] : [0x82, 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}

function push(socket: Socket, from: number): void {
  socket.on('error', () => {});
  const some = () => {
    for (let at = from; !socket.destroyed; at += 1) {
      if (socket.write(chunks[at % chunks.length] ?? '')) continue;
      socket.once('drain', some);
      return;
    }
  };
  some();
}

serve({
  listen: async (packing: Packing) => {
    const frames = Array.from({ length: FRAMES }, (_, n) => frame(PACK[packing](trade(n))));
    chunks = Array.from({ length: 8 }, (_, n) => Buffer.concat(frames.slice((n * FRAMES) / 8, ((n + 1) * FRAMES) / 8)));
    if (server.address() === null) await once(server, 'listening');
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
});
