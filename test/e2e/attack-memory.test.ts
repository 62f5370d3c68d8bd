import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { almostWhole, byteByByte, fragments, shutGate, slowClients } from '../helpers/memory-attacks.ts';
import { mebibytes, printedCeiling, residentBytes } from '../helpers/process-memory.ts';
import { RawClient, wholeFrame } from '../helpers/raw-client.ts';

/* Short twins of soak/attack-memory.test.ts: one gateway with a small limit takes all attacks, one after the other. */

const CONFIG = 'test/fixtures/memory.yaml';
const MEBIBYTE = 1_048_576;
const ENV = { CONNECTIONS: '300', MEMORY_LIMIT: '16MiB', LOG_LEVEL: 'warn' };
const cleanups: (() => Promise<void>)[] = [];
let gateway: GatewayProcess;
let ceiling = 0;

before(async () => {
  [gateway, ceiling] = await Promise.all([
    startGateway({ after: (cleanup) => cleanups.push(cleanup) }, { config: CONFIG, env: ENV }),
    printedCeiling(CONFIG, ENV),
  ]);
  await gateway.ready();
});
after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

/** What an attack adds to what is resident, in MiB, while its clients are there; the process stays below the ceiling. */
async function added(attack: () => Promise<RawClient[]>): Promise<{ clients: RawClient[]; more: number }> {
  const before = residentBytes(gateway.process.pid);
  const clients = await attack();
  cleanups.push(async () => {
    for (const { socket } of clients) socket.destroy();
  });
  const more = mebibytes(residentBytes(gateway.process.pid) - before);
  assert.ok(residentBytes(gateway.process.pid, 'VmHWM') < ceiling);
  return { clients, more };
}

const cutOf = (clients: readonly RawClient[]) => clients.filter(({ isClosed }) => isClosed).length;

async function leave(clients: readonly RawClient[]): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await until(
    async () => /tidegate_memory_held_bytes\{kind="clients"\} 0$/m.test((await gateway.get('/metrics')).body),
    10_000,
    () => 'something is held for clients that have left',
  );
}

test('sockets that send a message byte by byte cost a block each', async () => {
  const { clients } = await added(() => byteByByte(gateway, { sockets: 20, bytes: 500 }));
  assert.match((await gateway.get('/metrics')).body, /tidegate_memory_held_bytes\{kind="clients"\} 81920$/m);
  await leave(clients);
});

test('fragments of one byte do not keep the chunks that they came in', async () => {
  const { clients, more } = await added(() => fragments(gateway, { sockets: 40, each: 16_000, chunks: 40 }));
  assert.ok(more < 40, `${more} MiB more`);
  assert.equal(cutOf(clients), 0);
  await leave(clients);
});

test('frames of one byte that come while the gate is shut wait as bytes', async () => {
  const { clients, more } = await added(async () => {
    const clients = await shutGate(gateway, { sockets: 100, bytes: 200_000 });
    await until(
      async () => /sockets_paused\{endpoint="stuck"\} 100$/m.test((await gateway.get('/metrics')).body),
      10_000,
      () => 'sockets are read though the gate is shut',
    );
    return clients;
  });
  assert.ok(more < 80, `${more} MiB more`);
  for (const { socket } of clients) socket.destroy();
});

test('clients with drop_oldest that take nothing share their frames, and none is cut', async () => {
  const { clients, more } = await added(() => slowClients(gateway, { sockets: 100, records: 150, bytes: 20_000 }));
  // With a copy for each client it would be 300 MB.
  assert.ok(more < 120, `${more} MiB more`);
  assert.equal(cutOf(clients), 0);
  for (const { socket } of clients) socket.destroy();
});

test('sockets with almost whole messages are not read at the limit; a small message gets through', async () => {
  const { clients, more } = await added(() => almostWhole(gateway, { sockets: 150 }));
  assert.ok(more < 16 + 60, `${more} MiB more`);
  const [sender, reader] = [await RawClient.open(gateway.port, '/in'), await RawClient.open(gateway.port, '/out')];
  sender.socket.write(wholeFrame(Buffer.from('hello')));
  await until(
    () => reader.received > 0,
    5_000,
    () => 'a small message does not get through',
  );
  await until(
    () => cutOf(clients) > 0,
    10_000,
    () => 'no client is cut, though all wait for each other',
  );
  assert.ok(residentBytes(gateway.process.pid, 'VmHWM') < ceiling, `the ceiling is ${ceiling / MEBIBYTE} MiB`);
  sender.socket.destroy();
  reader.socket.destroy();
});
