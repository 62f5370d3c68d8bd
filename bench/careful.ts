/*
 * The second baseline: what a careful hand makes of the first one with the same two libraries. Frames are collected
 * for 5 ms and sent at most 1,000 at a time, nothing is committed, and a record's bytes go out as they came. It
 * still answers nothing, and still hands each record to each socket with a `ws.send` of its own.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Message } from 'kafkajs';
import { WebSocketServer } from 'ws';
import { announceReady, baselineSettings } from './baseline-settings.ts';
import { errorEnvelope, problemOf, systemEnvelope } from './s1.ts';

const LINGER_MS = 5;
const MAX_SEND = 1_000;

const { port, brokers, topic, takes, gives } = baselineSettings();
const kafka = new Kafka({ clientId: 'careful', brokers, logLevel: logLevel.NOTHING });
const producer = kafka.producer();
if (takes) await producer.connect();

let collected: Message[] = [];
let timer: NodeJS.Timeout | undefined;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const messages = collected;
  collected = [];
  producer.send({ topic, messages }).catch((error: unknown) => {
    console.error('careful: a send failed', error);
  });
}

function collect(message: Message): void {
  collected.push(message);
  if (collected.length >= MAX_SEND) flush();
  else timer ??= setTimeout(flush, LINGER_MS);
}

const server = new WebSocketServer({ port, path: '/ws' });
server.on('connection', (socket) => {
  const clientId = randomUUID();
  socket.send(systemEnvelope(`Welcome! Your client ID is ${clientId}`));
  socket.on('message', (data: Buffer) => {
    const problem = problemOf(data);
    if (problem === undefined) collect({ key: clientId, value: data });
    else socket.send(errorEnvelope(problem));
  });
});

if (gives) {
  const consumer = kafka.consumer({ groupId: `careful-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        for (const socket of server.clients) socket.send(value ?? '', { binary: false });
      }
    },
  });
}
announceReady();
