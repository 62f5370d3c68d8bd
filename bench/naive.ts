/*
 * The first baseline: S1 the way most code on the web does it. One `send` per frame, a consumer with kafkajs's
 * defaults, one `ws.send` per record and socket. It answers nothing.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { WebSocketServer } from 'ws';
import { announceReady, baselineSettings } from './baseline-settings.ts';
import { errorEnvelope, problemOf, systemEnvelope } from './s1.ts';

const { port, brokers, topic, takes, gives } = baselineSettings();
const kafka = new Kafka({ clientId: 'naive', brokers, logLevel: logLevel.NOTHING });
const producer = kafka.producer();
if (takes) await producer.connect();

const server = new WebSocketServer({ port, path: '/ws' });
server.on('connection', (socket) => {
  const clientId = randomUUID();
  socket.send(systemEnvelope(`Welcome! Your client ID is ${clientId}`));
  socket.on('message', async (data: Buffer) => {
    const problem = problemOf(data);
    if (problem !== undefined) {
      socket.send(errorEnvelope(problem));
      return;
    }
    try {
      await producer.send({ topic, messages: [{ key: clientId, value: data }] });
    } catch (error) {
      socket.send(errorEnvelope((error as Error).message));
    }
  });
});

if (gives) {
  const consumer = kafka.consumer({ groupId: `naive-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const record of batch.messages) {
        for (const socket of server.clients) socket.send(String(record.value));
      }
    },
  });
}
announceReady();
