import assert from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Message } from '../../../../src/core/message.ts';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { auditLog } from '../../../../src/transports/embedded/file/log-audit.ts';
import { changePage, changeText, openLog, textOf, writtenLog } from '../../../helpers/embedded-damage.ts';
import { temporary } from './parts.ts';

const WHOLE = { topic: 't', partition: 0, start: 0, end: 100, records: 100, damaged: [] };

test('an undamaged log is reported as such, by partition, and not changed', async (t) => {
  const { directory, data } = await writtenLog(t);
  const log = openLog(directory);
  await log.open();
  await log.admin.create({ name: 'a', partitions: 2 });
  const lane = log.lane('a', { retrying() {}, recovered() {}, duplicatesPossible() {} });
  await lane.send([new Message(Buffer.from('large'.repeat(2_000)))]);
  await log.close();
  const store = storeIn(directory, true);
  const partition = store.topics.get('t')?.partitions[0];
  assert.ok(partition !== undefined);
  const note = { replay: 5, watermark: 6, through: 7 };
  await store.offsets.commit('with a note', new Map([[partition, { offset: 8, note }]]));
  await store.close();
  const before = readFileSync(data);
  const { bytes, topics, partitions, damage } = await auditLog(directory);
  assert.deepEqual([bytes, topics, damage], [before.length, 2, []]);
  const [first, second, third] = partitions;
  assert.deepEqual([first?.topic, first?.partition, second?.topic, second?.partition], ['a', 0, 'a', 1]);
  assert.deepEqual([first?.records, second?.records, first?.damaged, second?.damaged], [1, 0, [], []]);
  assert.deepEqual(third, WHOLE);
  assert.ok(readFileSync(data).equals(before));
});

test('a damaged batch and a missing one are reported with their offsets', async (t) => {
  const { directory, data } = await writtenLog(t);
  const store = storeIn(directory, true);
  const partition = store.topics.get('t')?.partitions[0];
  assert.ok(partition !== undefined);
  await store.records.replace(partition, new Map([[50, null]]));
  await store.close();
  changeText(data, textOf(34));
  const { partitions, damage } = await auditLog(directory);
  const damaged = [
    { from: 30, to: 40, reason: 'damaged: the checksum of the batch is wrong' },
    { from: 50, to: 60, reason: 'damaged: the batch is missing' },
  ];
  assert.deepEqual(partitions, [{ ...WHOLE, records: 80, damaged }]);
  assert.deepEqual(damage, [], 'it is of one partition');
});

test('holes are no damage in a topic that is compacted', async (t) => {
  const { directory } = await writtenLog(t, { topic: { name: 't', config: { 'cleanup.policy': 'compact' } } });
  const store = storeIn(directory, true);
  const partition = store.topics.get('t')?.partitions[0];
  assert.ok(partition !== undefined);
  await store.records.replace(partition, new Map([[50, null]]));
  await store.close();
  assert.deepEqual((await auditLog(directory)).partitions, [{ ...WHOLE, records: 90 }]);
});

test('a page with records that cannot be read is reported, and its records are missing', async (t) => {
  const { directory, data } = await writtenLog(t, { records: 60, each: 1, size: 200 });
  changePage(data, textOf(30, 200), (page) => page.fill(0, 18));
  const { partitions, damage } = await auditLog(directory);
  assert.equal(damage.length, 1);
  assert.match(String(damage[0]), /^a page with records cannot be read: page \d+: it is another kind of page$/);
  const [one] = partitions;
  const [gap] = one?.damaged ?? [];
  assert.equal(one?.damaged.length, 1);
  assert.equal((one?.records ?? 0) + (gap?.to ?? 0) - (gap?.from ?? 0), 60);
});

test('a file that cannot be followed at all, or is gone, is damage', async (t) => {
  const { directory, data } = await writtenLog(t);
  writeFileSync(data, 'once upon a time'.repeat(1_000));
  const damaged = await auditLog(directory);
  assert.deepEqual(damaged, {
    bytes: 16_000,
    topics: 0,
    partitions: [],
    damage: ['data.mdb is damaged: it is not a file of LMDB'],
  });
  truncateSync(data, 0);
  const empty = await auditLog(directory);
  assert.deepEqual([empty.bytes, empty.partitions], [0, []]);
  assert.match(String(empty.damage), /data\.mdb is missing or empty, and log\.json says that there was a log/);
  rmSync(data);
  assert.match(String((await auditLog(directory)).damage), /missing or empty/);
});

test('a missing log and a running gateway are reported, and not taken for damage', async (t) => {
  const directory = await temporary(t);
  const unusable = (message: RegExp) => ({ code: 'TG_DATA_DIR_UNUSABLE', message });
  await assert.rejects(auditLog(directory), unusable(/there is no log in /));
  await assert.rejects(auditLog(path.join(directory, 'missing')), unusable(/there is no directory .*missing$/));
  writeFileSync(path.join(directory, 'file'), '');
  await assert.rejects(auditLog(path.join(directory, 'file')), unusable(/there is no directory .*file$/));
  const log = openLog(directory);
  await log.open();
  await assert.rejects(auditLog(directory), { code: 'TG_DATA_DIR_OWNED' });
  await log.close();
  assert.deepEqual((await auditLog(directory)).topics, 0, 'it is free again');
  const again = openLog(directory);
  await again.open();
  await again.close();
});
