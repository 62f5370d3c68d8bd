import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '../../../../src/testing/simulation/memory-table.ts';
import { MemoryTables } from '../../../../src/testing/simulation/memory-tables.ts';

function filled() {
  const table = new MemoryTable<string, readonly [number, number]>(() => {});
  for (const key of [
    [2, 5],
    [1, 9],
    [1, 2],
    [2, 0],
    [1, 10],
  ] as const)
    table.putSync(key, key.join('-'));
  return table;
}

const values = <V>(rows: Iterable<{ value: V }>) => [...rows].map(({ value }) => value);

test('ranges are in the order of the keys, with their start and without their end, forwards and backwards', () => {
  const table = filled();
  assert.deepEqual(values(table.getRange()), ['1-2', '1-9', '1-10', '2-0', '2-5']);
  assert.deepEqual(values(table.getRange({ start: [1, 9], end: [2, 0] })), ['1-9', '1-10']);
  assert.deepEqual(values(table.getRange({ start: [1, 10], end: [1, -1], reverse: true })), ['1-10', '1-9', '1-2']);
  assert.deepEqual(values(table.getRange({ start: [2, 3], end: [1, 9], reverse: true, limit: 1 })), ['2-0']);
  assert.deepEqual(values(table.getRange({ start: [2, 3], end: [1, 10], reverse: true })), ['2-0']);
  assert.deepEqual([...table.getKeys({ start: [2, 1], limit: 5 })], [[2, 5]]);
  assert.deepEqual(values(table.getRange({ start: [3, 0] })), []);
});

test('a key has one value, and none once it was removed', () => {
  const table = filled();
  table.putSync([1, 9], 'new');
  table.removeSync([2, 0]);
  table.removeSync([7, 7]);
  assert.deepEqual([table.get([1, 9]), table.get([2, 0]), table.get([7, 7])], ['new', undefined, undefined]);
  assert.deepEqual(values(table.getRange()), ['1-2', 'new', '1-10', '2-5']);
});

test('a transaction that throws leaves nothing of what it did', async () => {
  const tables = new MemoryTables(() => {});
  await tables.transact(() => tables.counts.putSync('topics', 1));
  const failing = tables.transact(() => {
    tables.counts.putSync('topics', 2);
    tables.commits.putSync([1, 0, 'group'], 5);
    tables.commits.putSync([1, 0, 'group'], 6);
    tables.counts.removeSync('topics');
    throw new Error('half way');
  });
  await assert.rejects(failing, /half way/);
  assert.deepEqual([tables.counts.get('topics'), tables.commits.get([1, 0, 'group'])], [1, undefined]);
});
