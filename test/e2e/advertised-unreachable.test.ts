import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createGateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

/** Nothing listens there. */
const UNREACHABLE = 9;

/** A bootstrap address whose broker advertises a port that cannot be reached, as behind a port mapping of Docker. */
async function misadvertised(t: TestContext, broker: string): Promise<string> {
  const [host = '', port = ''] = broker.split(':');
  const [real, wrong] = [Buffer.alloc(host.length + 4), Buffer.alloc(host.length + 4)];
  for (const address of [real, wrong]) address.write(host);
  real.writeInt32BE(Number(port), host.length);
  wrong.writeInt32BE(UNREACHABLE, host.length);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    client.pipe(upstream);
    upstream.on('data', (data) => {
      for (let at = data.indexOf(real); at >= 0; at = data.indexOf(real, at)) wrong.copy(data, at);
      client.write(data);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [client, upstream].forEach((one) => void one.destroy()));
    }
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('where the advertised address of the broker cannot be reached, readiness and handshakes say 503', async (t) => {
  const service = await requireKafka(t);
  if (service === undefined) return;
  const [direct = ''] = service.brokers.split(',');
  const existing = uniqueTopic('advertised');
  const admin = await KafkaAdmin.connect(t, service.brokers);
  await admin.create(existing);
  for (const topic of [uniqueTopic('missing'), existing]) {
    const gateway = await createGateway({
      config: {
        log: { driver: 'kafkajs', brokers: [await misadvertised(t, direct)] },
        listeners: { public: { port: 0 } },
        endpoints: { messages: { listener: 'public', path: '/ws', codec: 'envelope' } },
        pipelines: { in: { source: { endpoint: 'messages' }, sink: { topic: { name: topic } } } },
        shutdown: { jitter: '0s' },
      },
      logger: 'silent',
    });
    t.after(() => gateway.stop());
    const failure = new Promise<Error>((resolve) => gateway.once('producer-error', resolve));
    await gateway.start();
    // Not that it is missing, and not the bootstrap address, which answers.
    assert.match((await failure).message, /127\.0\.0\.1:9\b/);
    const base = `127.0.0.1:${gateway.ports().listeners.public}`;
    const answer = await fetch(`http://${base}/ready`);
    assert.equal(answer.status, 503, topic);
    await assert.rejects(TestClient.open(`ws://${base}/ws`), /Unexpected server response: 503/);
    assert.equal(gateway.inspect().ready, false);
  }
});
