import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathSet } from '../../../src/config/path-set.ts';

test('a set of paths knows which settings are inside of one, and which are around one', () => {
  const set = new PathSet([
    ['log', 'brokers', 1],
    ['pipelines', 'in'],
  ]);
  const all: [path: (string | number)[], covers: boolean, reaches: boolean][] = [
    [['pipelines', 'in'], true, true],
    [['pipelines', 'in', 'sink', 'topic'], true, false],
    [['pipelines'], false, true],
    [['pipelines', 'out'], false, false],
    [['log', 'brokers', 1], true, true],
    [['log', 'brokers', 0], false, false],
    [[], false, true],
  ];
  for (const [path, covers, reaches] of all)
    assert.deepEqual([set.covers(path), set.reaches(path)], [covers, reaches], path.join('.'));
  assert.equal(set.isEmpty, false);
});

test('the path of everything covers all, and a set without paths nothing', () => {
  assert.ok(new PathSet([[]]).covers(['log']));
  const none = new PathSet([]);
  assert.deepEqual([none.isEmpty, none.covers([]), none.reaches([])], [true, false, false]);
});
