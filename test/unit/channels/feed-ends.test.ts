import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedEnds } from '../../../src/channels/history/feed-ends.ts';
import type { FeedEnd } from '../../../src/core/channel-feed.ts';

const endOf = (name: string, offset: number): FeedEnd => {
  const at = { epoch: 'e', partition: 0, offset };
  return { of: (channel) => (channel === name ? at : undefined), in: () => at };
};

test('a channel was left where its newest feed ended', () => {
  const ends = new FeedEnds();
  for (const end of [endOf('a', 1), endOf('b', 2), endOf('a', 3)]) ends.add(end, () => []);
  assert.deepEqual(
    ['a', 'b', 'c'].map((channel) => ends.of(channel)?.offset),
    [3, 2, undefined],
  );
});

test('of many ends those are kept that subscribers wait behind', () => {
  const ends = new FeedEnds();
  ends.add(endOf('a', 1), () => ['a']);
  for (let offset = 0; offset < 1_000; offset += 1)
    ends.add(endOf(offset % 2 === 0 ? 'b' : 'c', offset), () => ['a', 'c']);
  assert.deepEqual([ends.of('a')?.offset, ends.of('c')?.offset], [1, 999]);
  assert.ok(ends.size < 20, `${ends.size} are kept`);
});
