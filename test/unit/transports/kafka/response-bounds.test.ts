import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createClient } from '../../../../src/transports/kafka/connection/client.ts';
import { BrokerConnection } from '../../../../src/transports/kafka/connection/connection.ts';

describe('an answer of a broker', () => {
  for (const [what, first, expected] of [
    ['2 GiB', lengthOf(2 ** 31 - 1), /announced an answer of 2147483647 bytes, and at most 1MiB are read/],
    ['1 MiB and a byte', lengthOf(1_048_577), /announced an answer of 1048577 bytes/],
    [
      'an answer of HTTP',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /announced an answer of 1213486160 bytes.*TLS/,
    ],
    ['an alert of TLS', Buffer.from([0x15, 3, 1, 0, 2, 2, 22]), /announced an answer of 352518400 bytes/],
    ['no bytes at all', Buffer.concat([lengthOf(0), Buffer.alloc(20)]), /not an answer of Kafka: it announced 0 bytes/],
    ['3 bytes', Buffer.concat([lengthOf(3), Buffer.alloc(20)]), /it announced 3 bytes, and one has 4 or more/],
    ['-1 bytes', Buffer.concat([lengthOf(-1), Buffer.alloc(20)]), /it announced -1 bytes/],
    ['-4 bytes', Buffer.concat([lengthOf(-4), Buffer.alloc(20)]), /it announced -4 bytes/],
    ['-4 bytes behind another one', Buffer.concat([4, 99_999, -4, 0, 0].map(lengthOf)), /it announced -4 bytes/],
  ] as const) {
    test(`that announces ${what} ends the connection before it is buffered`, async (t) => {
      const { broker, sent } = await connected(t, first);
      await assert.rejects(broker.probe(), expected);
      assert.equal(broker.isUsable, false);
      // What the socket and the system took; never the 64 MiB that the server has.
      assert.ok((await sent) < 16 * 1_048_576, `${await sent} bytes were taken`);
    });
  }
});

/** A server that says this to whatever it is asked, and goes on with zeros for as long as they are taken. */
async function connected(t: TestContext, first: Buffer): Promise<{ broker: BrokerConnection; sent: Promise<number> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sent = once(server, 'connection').then(([socket]) => flood(socket as Socket, first));
  const { port } = server.address() as AddressInfo;
  const logger = createLogger({ level: 'silent' });
  const client = createClient({ brokers: [`127.0.0.1:${port}`], clientId: 'c', logger });
  const broker = new BrokerConnection(client, { host: '127.0.0.1', port }, 5_000, () => {});
  t.after(() => {
    broker.destroy();
    server.close();
  });
  return { broker, sent };
}

/** Resolves with the bytes that were taken when the connection has ended. */
async function flood(socket: Socket, first: Buffer): Promise<number> {
  socket.on('error', () => {});
  // `once` of events would reject where the connection is reset.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'data');
  socket.write(first);
  const chunk = Buffer.alloc(1_048_576);
  const write = () => {
    let left = 64 - socket.bytesWritten / chunk.length;
    while (!socket.destroyed && left > 0 && socket.write(chunk)) left -= 1;
  };
  socket.on('drain', write);
  write();
  await closed;
  return socket.bytesWritten - socket.writableLength;
}

function lengthOf(bytes: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(bytes);
  return buffer;
}
