/*
 * The baseline of the topic protocol: what it takes to give each socket a Kafka consumer of its own, as the connector
 * does whose protocol it is, with kafkajs in its place. Of the protocol only `topic/subscribe` is there. Offsets are
 * committed by kafkajs after each batch, whether the socket has got it or not.
 */
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { type WebSocket, WebSocketServer } from 'ws';
import { announceReady, baselineSettings } from './baseline-settings.ts';

interface Subscribe {
  readonly id: number;
  readonly p: { readonly t: string[]; readonly consumer_group: string };
}

/** Records of one frame, as the gateway has it by default. */
const MAX_FRAME = 1_000;

const { port, brokers } = baselineSettings();
let sockets = 0;

const server = new WebSocketServer({ port, path: '/ws' });
server.on('connection', (socket) => {
  sockets += 1;
  const kafka = new Kafka({ clientId: `per-socket-${sockets}`, brokers, logLevel: logLevel.NOTHING });
  let consumer: Consumer | undefined;
  socket.on('message', (data: Buffer) => {
    const request = JSON.parse(data.toString()) as Subscribe;
    consumer = kafka.consumer({ groupId: request.p.consumer_group, maxWaitTimeInMs: 100 });
    serve(socket, consumer, request).catch((error: unknown) => {
      console.error('per-socket: a subscription failed', error);
      socket.terminate();
    });
  });
  socket.on('close', () => void consumer?.disconnect());
});
server.on('listening', announceReady);

async function serve(socket: WebSocket, consumer: Consumer, { id, p }: Subscribe): Promise<void> {
  let last = 0;
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topics: p.t, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch: { messages } }) => {
      for (let from = 0; from < messages.length; from += MAX_FRAME) {
        const records = messages.slice(from, from + MAX_FRAME).map(({ value }) => {
          last += 1;
          return { id: last, t: 'notif', p: String(value) };
        });
        socket.send(JSON.stringify(records));
      }
    },
  });
  await joined;
  last += 1;
  socket.send(JSON.stringify({ id: last, refid: id, t: 'topic', a: 'subscribe', p: p.t, s: 0 }));
}
