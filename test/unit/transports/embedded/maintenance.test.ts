import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { compact } from '../../../../src/transports/embedded/records/compaction.ts';
import { Maintenance } from '../../../../src/transports/embedded/records/maintenance.ts';
import { keptLogger } from '../../actors/rig.ts';
import { append, HandClock, message, onePartition, openStore, readAll, until } from './parts.ts';

/** What a batch of one record with 979 bytes of payload takes is 1,024 bytes. */
const record = () => message('x'.repeat(1_024 - 21 - 24), { timestamp: 1 });

async function setUp(t: TestContext, config: Record<string, string>) {
  const store = await openStore(t);
  const partition = await onePartition(store, config);
  const clock = new HandClock();
  const kept = keptLogger();
  const defaults = { retention_bytes: Number.POSITIVE_INFINITY, retention_time: Number.POSITIVE_INFINITY };
  const maintenance = new Maintenance(store, { ...defaults, clock, logger: kept.logger });
  const write = async (count: number) => {
    for (let at = 0; at < count; at += 1) await append(store, partition, [record()]);
  };
  /** Everything that was begun is done. */
  const settled = () => maintenance.run(false);
  return { store, partition, clock, maintenance, write, settled, ...kept };
}

test('retention and compaction run every 30 seconds, until they are stopped', async (t) => {
  const { partition, clock, maintenance, write } = await setUp(t, { 'retention.bytes': '2048' });
  /** Resolves when the timer has been set again, which is when a round has ended. */
  const round = () => until(() => clock.pending > 0);
  for (const end of [3, 6]) {
    await write(3);
    clock.advance(29_999);
    await round();
    assert.equal(partition.start, end - 3 === 0 ? 0 : 1);
    clock.advance(1);
    await round();
    assert.deepEqual([partition.start, partition.end], [end - 2, end]);
  }
  await maintenance.stop();
  assert.equal(clock.pending, 0);
  await write(1);
  maintenance.grew(partition);
  await maintenance.run(true);
  assert.equal(partition.start, 4, 'nothing is done any more');
});

test('a partition that is a tenth above its limit is trimmed at once, and not before', async (t) => {
  const { partition, maintenance, write, settled, store } = await setUp(t, { 'retention.bytes': '10240' });
  const trims = t.mock.method(store.records, 'dropOldest');
  await write(11);
  maintenance.grew(partition);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(trims.mock.callCount(), 0, 'eleven are no more than a tenth above ten');
  await write(1);
  maintenance.grew(partition);
  maintenance.grew(partition);
  await settled();
  assert.deepEqual([partition.start, partition.bytes], [2, 10_240]);
  assert.equal(trims.mock.callCount(), 2, 'once for all, and once in the round that was waited for');
  await write(2);
  maintenance.grew(partition);
  await settled();
  assert.equal(partition.start, 4, 'and again');
  await maintenance.stop();
});

test('what fails is logged and tried again', async (t) => {
  const { partition, maintenance, write, settled, store, warnings, clock } = await setUp(t, {
    'retention.bytes': '1024',
  });
  await write(3);
  const drop = t.mock.method(store.records, 'dropOldest', async () => {
    throw new Error('no space left');
  });
  maintenance.grew(partition);
  await assert.rejects(settled(), /no space left/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings(), ['retention or compaction failed and is tried again later']);
  clock.advance(30_000);
  await until(() => clock.pending > 0);
  assert.equal(warnings().length, 2);
  drop.mock.restore();
  maintenance.grew(partition);
  await settled();
  assert.equal(partition.start, 2);
  await maintenance.stop();
});

test('compaction looks at what came since the last time, and at nothing where nothing did', async (t) => {
  const { store, partition, maintenance } = await setUp(t, { 'cleanup.policy': 'compact' });
  const keyed = (count: number) =>
    append(
      store,
      partition,
      Array.from({ length: count }, (_, at) => message('x', { key: `k${at % 10}` })),
    );
  await keyed(10);
  const replace = t.mock.method(store.records, 'replace');
  await compact(store.records, partition, 0, false);
  assert.equal(store.records.dirtyBytes(partition), 0);
  await compact(store.records, partition, 0, true);
  assert.equal(replace.mock.callCount(), 0, 'each key was there once');
  // As many bytes as there were make the half that is needed, by Kafka's default.
  await keyed(9);
  await compact(store.records, partition, 0, false);
  assert.equal(replace.mock.callCount(), 0);
  await keyed(1);
  await compact(store.records, partition, 0, false);
  assert.equal(replace.mock.callCount(), 1);
  assert.deepEqual(
    readAll(store, partition).map(({ offset }) => offset),
    [9, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  );
  await maintenance.stop();
});

test('compaction goes through any number of batches, and leaves a turn to others after each 64', async (t) => {
  const { store, partition, maintenance } = await setUp(t, { 'cleanup.policy': 'compact' });
  for (let at = 0; at < 150; at += 1) await append(store, partition, [message(`${at}`, { key: `k${at % 75}` })]);
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const replace = t.mock.method(store.records, 'replace');
  await compact(store.records, partition, 0, true);
  isDone = true;
  assert.ok(turns >= 6, `${turns} turns`);
  assert.deepEqual(
    replace.mock.calls.map(({ arguments: [, changes] }) => changes.size),
    [64, 11],
  );
  assert.deepEqual(
    readAll(store, partition).map(({ text }) => text),
    Array.from({ length: 75 }, (_, at) => `${at + 75}`),
  );
  await maintenance.stop();
});
