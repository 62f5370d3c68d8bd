/*
 * A WebSocket server that says numbers, as fast as its one client takes them. Frames (RFC 6455 5.2) are made by hand
 * and written many at a time: the load must cost less than what it measures.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { serve } from '../child.ts';
import { FEED_START, feedMessage, SEQ_DIGITS } from '../feed-message.ts';

const FRAMES = 256;
const HEAD = 4;

let template = Buffer.alloc(0);
let frameBytes = 0;
let client: Socket | undefined;
let connections = 0;
let sent = 0;
let isFlowing = false;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (_, { socket }) => {
  connections += 1;
  client = socket;
  if (isFlowing) push();
});

function prepare(payloadBytes: number): void {
  const payload = feedMessage(0, payloadBytes);
  const frame = Buffer.concat([Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]), payload]);
  frameBytes = frame.length;
  template = Buffer.concat(Array.from({ length: FRAMES }, () => frame));
}

/** The socket keeps what it is given until it is written, so each chunk is a new one. */
function nextChunk(): Buffer {
  const chunk = Buffer.from(template);
  for (let n = 0; n < FRAMES; n++) {
    sent += 1;
    chunk.write(String(sent).padStart(SEQ_DIGITS, '0'), n * frameBytes + HEAD + FEED_START.length, 'latin1');
  }
  return chunk;
}

function push(): void {
  while (isFlowing && client !== undefined && !client.destroyed) {
    if (client.write(nextChunk())) continue;
    client.once('drain', push);
    return;
  }
}

serve({
  listen: async (payloadBytes: number) => {
    prepare(payloadBytes);
    if (server.address() === null) await once(server, 'listening');
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  flow: () => {
    isFlowing = true;
    push();
  },
  stop: () => {
    isFlowing = false;
    return { sent, connections };
  },
});
