import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createClient } from '../../../../src/transports/kafka/connection/client.ts';
import { BrokerConnection } from '../../../../src/transports/kafka/connection/connection.ts';
import { KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';

test('the end of a connection to a broker is reported once, also to callers that wait for the connection', async (t) => {
  // It accepts, and never answers the TLS handshake.
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const logger = createLogger({ level: 'silent' });
  const client = createClient({ brokers: [`127.0.0.1:${port}`], clientId: 'c', ssl: true, logger });
  const broker = new BrokerConnection(client, { host: '127.0.0.1', port }, 1_000, () => {});
  const probing = broker.probe();
  await once(server, 'connection');
  broker.destroy(Object.assign(new Error('Connection error: read ECONNRESET'), { code: 'ECONNRESET' }));
  await assert.rejects(probing, { message: 'Connection error: read ECONNRESET', code: 'ECONNRESET' });
});

const API_VERSIONS = 18;
const HEARTBEAT = 12;
const HEARTBEAT_PAYLOAD = { groupId: 'g', groupGenerationId: 1, memberId: 'm' };

/** What the broker does with a heartbeat: this error in the answer, half of an answer, no answer, or the end of the socket. */
type Fate = number | 'half' | 'silent' | 'end';

/** A broker on a port that knows ApiVersions and Heartbeat, and treats heartbeats as the script says. */
async function listen(t: TestContext, ...script: Fate[]) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    let got = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      got = Buffer.concat([got, bytes]);
      for (; got.length >= 4 && got.length >= 4 + got.readInt32BE(0); got = got.subarray(4 + got.readInt32BE(0)))
        answer(socket, got.readInt16BE(4), got.readInt32BE(8));
    });
  });
  const answer = (socket: Socket, api: number, correlation: number) => {
    const fate = api === API_VERSIONS ? 0 : script.shift();
    if (fate === 'silent' || fate === undefined) return;
    if (fate === 'end') return void socket.destroy();
    const body = Buffer.alloc(api === API_VERSIONS ? 26 : 6);
    body.writeInt32BE(correlation, 0);
    if (typeof fate === 'number') body.writeInt16BE(fate, 4);
    if (api === API_VERSIONS) {
      body.writeInt32BE(2, 6);
      for (const [index, key] of [API_VERSIONS, HEARTBEAT].entries()) body.writeInt16BE(key, 10 + index * 6);
    }
    const size = Buffer.alloc(4);
    size.writeInt32BE(body.length, 0);
    if (fate === 'half') socket.end(Buffer.concat([size, body.subarray(0, 3)]));
    else socket.write(Buffer.concat([size, body]));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const logger = createLogger({ level: 'silent' });
  const client = createClient({ brokers: [`127.0.0.1:${port}`], clientId: 'c', logger });
  let gone = 0;
  const broker = new BrokerConnection(client, { host: '127.0.0.1', port }, 200, () => {
    gone += 1;
  });
  t.after(() => {
    broker.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { broker, gone: () => gone, connections: () => connections };
}

test("a broker's error is an answer: the connection is used on", async (t) => {
  const { broker, gone, connections } = await listen(t, KAFKA.REBALANCE_IN_PROGRESS, 0);
  await assert.rejects(broker.request('Heartbeat', HEARTBEAT_PAYLOAD), { code: KAFKA.REBALANCE_IN_PROGRESS });
  assert.equal(broker.isUsable, true);
  await broker.request('Heartbeat', HEARTBEAT_PAYLOAD);
  assert.deepEqual([gone(), connections()], [0, 1]);
});

test('what a broker speaks is known once it is connected', async (t) => {
  const { broker } = await listen(t);
  assert.deepEqual([await broker.maxVersion('Heartbeat'), await broker.maxVersion('Fetch')], [0, -1]);
  await assert.rejects(broker.maxVersion('Nonsense'), /kafkajs knows no API Nonsense/);
});

for (const fate of ['end', 'half', 'silent'] as const)
  test(`a connection whose answer ends with "${fate}" is never used again, and says so once`, async (t) => {
    const { broker, gone, connections } = await listen(t, 0, fate, 0);
    await broker.request('Heartbeat', HEARTBEAT_PAYLOAD);
    const started = performance.now();
    const failed = broker.request('Heartbeat', HEARTBEAT_PAYLOAD);
    // Kafka answers the requests of a socket in their order.
    const behind = fate === 'silent' ? undefined : broker.request('Heartbeat', HEARTBEAT_PAYLOAD);
    await Promise.all([assert.rejects(failed), behind === undefined ? undefined : assert.rejects(behind)]);
    if (fate === 'silent') assert.ok(performance.now() - started >= 190);
    assert.equal(broker.isUsable, false);
    await assert.rejects(broker.request('Heartbeat', HEARTBEAT_PAYLOAD));
    broker.destroy();
    assert.deepEqual([gone(), connections()], [1, 1]);
  });

test('a broker that ends the connection is named, with what it may expect if it has not answered yet', async (t) => {
  const asked = async (broker: BrokerConnection) => await broker.request('Heartbeat', HEARTBEAT_PAYLOAD);
  const wanting = await listen(t, 'end');
  const hint = '; it may be starting, or expect SASL (log.sasl) or TLS (log.ssl)';
  const place = `127.0.0.1:${wanting.broker.port}`;
  await assert.rejects(asked(wanting.broker), { message: `${place} closed the connection${hint}` });
  const ending = await listen(t, 0, 'end');
  await asked(ending.broker);
  await assert.rejects(asked(ending.broker), { message: `127.0.0.1:${ending.broker.port} closed the connection` });
});
