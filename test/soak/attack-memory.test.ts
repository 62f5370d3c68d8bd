import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { almostWhole, byteByByte, fragments, shutGate, slowClients } from '../helpers/memory-attacks.ts';
import { mebibytes, printedCeiling, residentBytes } from '../helpers/process-memory.ts';
import type { RawClient } from '../helpers/raw-client.ts';

/*
 * Attacks on the memory of the compiled gateway: the most that was ever resident stays below the ceiling that lint prints for
 * the same file. The short ones are in e2e/attack-memory.test.ts.
 */

const CONFIG = 'test/fixtures/memory.yaml';
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Attack {
  readonly what: string;
  readonly connections: number;
  readonly limit: string;
  readonly run: (gateway: GatewayProcess) => Promise<RawClient[]>;
  /** Whether clients may be cut. */
  readonly cuts?: boolean;
}

const ATTACKS: readonly Attack[] = [
  {
    what: '2,000 sockets with 98 % of a message of 1 MiB',
    connections: 2_001,
    limit: '512MiB',
    run: (gateway) => almostWhole(gateway, { sockets: 2_000 }),
    cuts: true,
  },
  {
    what: '60 sockets that send a message byte by byte',
    connections: 61,
    limit: '16MiB',
    run: (gateway) => byteByByte(gateway, { sockets: 60, bytes: 10_000 }),
  },
  {
    what: '400 sockets with up to 16,000 fragments of one byte each, or with pongs between them',
    connections: 401,
    limit: '16MiB',
    run: (gateway) => fragments(gateway, { sockets: 400, each: 16_000, chunks: 100 }),
  },
  {
    what: '800 clients that take nothing, with drop_oldest, and 40 MB of records',
    connections: 802,
    limit: '64MiB',
    run: (gateway) => slowClients(gateway, { sockets: 800, records: 4_000, bytes: 10_000 }),
  },
  {
    what: '1,000 sockets that send frames of one byte into a gate that is shut',
    connections: 1_001,
    limit: '64MiB',
    run: (gateway) => shutGate(gateway, { sockets: 1_000, bytes: 1_000_000 }),
  },
];

for (const { what, connections, limit, run, cuts } of ATTACKS) {
  test(`${what}: resident memory stays below the ceiling of lint`, { timeout: 300_000 }, async (t) => {
    const env = { CONNECTIONS: String(connections), MEMORY_LIMIT: limit, LOG_LEVEL: 'warn' };
    const ceiling = await printedCeiling(CONFIG, env);
    const gateway = await startGateway(t, { config: CONFIG, env });
    await gateway.ready();
    const idle = residentBytes(gateway.process.pid);
    const clients = await run(gateway);
    await sleep(10_000);
    assert.equal((await gateway.get('/health')).status, 200);
    const peak = residentBytes(gateway.process.pid, 'VmHWM');
    const cut = clients.filter(({ isClosed }) => isClosed).length;
    t.diagnostic(
      `${mebibytes(idle)} MiB idle, at most ${mebibytes(peak)} of ${mebibytes(ceiling)} MiB; ${cut} clients were cut`,
    );
    for (const { socket } of clients) socket.destroy();
    assert.ok(peak <= ceiling, `${mebibytes(peak)} MiB were resident, the ceiling is ${mebibytes(ceiling)} MiB`);
    if (cuts !== true) assert.equal(cut, 0, 'no client had to be cut');
  });
}
