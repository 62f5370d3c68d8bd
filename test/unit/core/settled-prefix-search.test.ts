import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettledPrefix } from '../../../src/core/settled-prefix.ts';

test('each offset is found, however many there are and whatever gaps lie between them', () => {
  for (const gap of [1, 3]) {
    for (let count = 1; count <= 40; count += 1) {
      const offsets = Array.from({ length: count }, (_, index) => 100 + index * gap);
      for (const last of offsets) {
        const prefix = new SettledPrefix(100);
        for (const offset of offsets) prefix.enter(offset);
        for (const offset of offsets) if (offset !== last) prefix.settle(offset);
        assert.equal(prefix.committable, last === 100 ? 100 : last - gap + 1);
        prefix.settle(last);
        assert.equal(prefix.committable, (offsets.at(-1) ?? 0) + 1, `${last} of ${count}`);
        assert.equal(prefix.unsettled, 0);
      }
    }
  }
});

test('an offset that was not entered changes nothing', () => {
  const prefix = new SettledPrefix(10);
  for (const offset of [10, 12, 14]) prefix.enter(offset);
  for (const offset of [9, 11, 13, 15]) prefix.settle(offset);
  assert.deepEqual([prefix.committable, prefix.unsettled], [10, 3]);
});
