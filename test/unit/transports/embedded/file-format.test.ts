import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { BATCH_HEADER } from '../../../../src/transports/embedded/records/batch-format.ts';
import { append, message, onePartition, temporary } from './parts.ts';

test('tables have the names and encodings that logs have which were written by earlier versions', async (t) => {
  const directory = await temporary(t);
  const store = storeIn(directory, false);
  const partition = await onePartition(store, { 'retention.ms': '5' });
  await append(store, partition, [message('one', { key: 'k', timestamp: 7 })]);
  await store.offsets.commit('g', new Map([[partition, { offset: 1 }]]));
  const note = { replay: 2, watermark: Number.MIN_SAFE_INTEGER, through: 1_700_000_000_000 };
  await store.offsets.commit('h', new Map([[partition, { offset: 3, note }]]));
  assert.deepEqual(store.offsets.of('h', partition), { offset: 3, note });
  assert.deepEqual(store.offsets.of('g', partition), { offset: 1 });
  await store.close();

  const root = open({ path: directory, noSubdir: false, readOnly: true, maxDbs: 8 });
  t.after(() => root.close());
  const table = (name: string, encoding: 'binary' | 'msgpack' | 'ordered-binary') => [
    ...root.openDB({ name, encoding }).getRange(),
  ];
  assert.deepEqual(table('topics', 'msgpack'), [
    { key: 't', value: { id: 1, partitions: 1, config: { 'retention.ms': '5' } } },
  ]);
  assert.deepEqual(table('counts', 'ordered-binary'), [{ key: 'topics', value: 1 }]);
  assert.deepEqual(table('commits', 'ordered-binary'), [
    { key: [1, 0, 'g'], value: 1 },
    { key: [1, 0, 'h'], value: [3, 2, Number.MIN_SAFE_INTEGER, 1_700_000_000_000] },
  ]);
  const [marks] = table('marks', 'binary') as { key: unknown; value: Buffer }[];
  assert.deepEqual(marks?.key, [1, 0]);
  const bytes = BATCH_HEADER + 24 + 'k'.length + 'one'.length;
  assert.deepEqual(
    [0, 8, 16, 24].map((at) => marks?.value.readDoubleLE(at)),
    [0, 1, bytes, bytes],
  );
  assert.equal(marks?.value.length, 32);
  const [batch] = table('records', 'binary') as { key: unknown; value: Buffer }[];
  assert.deepEqual([batch?.key, batch?.value.length, batch?.value[0]], [[1, 0, 0], bytes, 3]);
});
