import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createClient } from '../../../../src/transports/kafka/client.ts';
import { BrokerConnection } from '../../../../src/transports/kafka/connection.ts';

test('what ends a connection to a broker is said once, also to who still waits for the connection', async (t) => {
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
