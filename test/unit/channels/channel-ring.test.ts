import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelRing, type RingLimits } from '../../../src/channels/history/channel-ring.ts';
import { FeedPartition } from '../../../src/channels/history/feed-partition.ts';
import { SharedFrame } from '../../../src/core/shared-frame.ts';
import { encode } from '../actors/rig.ts';
import { FakeFeed } from './fake-feed.ts';

const NOW = 1_000_000;

function ring(limits: Partial<RingLimits> = {}) {
  const kept = new ChannelRing({ last: 3, bytes: 1_000_000, ...limits });
  const place = new FeedPartition({ feed: new FakeFeed() }, { epoch: 'e', partition: 0, offset: 0 });
  const keep = (channel: string, offset: number, { size = 10, timestamp = NOW } = {}) => {
    place.take(offset);
    kept.keep(
      channel,
      new SharedFrame({ data: `${offset}`.padEnd(size), binary: false }, encode),
      timestamp,
      place,
      offset,
    );
  };
  const offsets = (channel: string, from = 0) => kept.from(channel, place, from).map(({ offset }) => offset);
  const newest = (channel: string, count: number, now = NOW) =>
    kept.newestOf(channel, place, count, now).map(({ offset }) => offset);
  const since = (channel: string, now = NOW) => kept.sinceOf(channel, place, now);
  return { kept, place, keep, offsets, newest, since };
}

test('a channel keeps its newest records, and is complete behind the last one that had to go', () => {
  const { keep, offsets, newest, since } = ring();
  assert.equal(since('a'), 0);
  for (const offset of [2, 5, 6, 9]) keep('a', offset);
  keep('b', 10);
  assert.deepEqual([offsets('a'), offsets('a', 6), offsets('a', 10)], [[5, 6, 9], [6, 9], []]);
  assert.deepEqual([newest('a', 2), newest('a', 9), newest('c', 1)], [[6, 9], [5, 6, 9], []]);
  assert.deepEqual([since('a'), since('b'), since('c')], [3, 0, 0]);
});

test('a channel that goes takes the claim of all channels with it of which nothing is kept', () => {
  const { kept, keep, offsets, since } = ring({ bytes: 3_600 });
  keep('a', 0, { size: 600 });
  keep('b', 1, { size: 600 });
  // It was used after b.
  assert.deepEqual(offsets('a'), [0]);
  since('a');
  keep('c', 2, { size: 600 });
  assert.deepEqual([offsets('a'), offsets('b'), offsets('c')], [[0], [], [2]]);
  assert.deepEqual([since('a'), since('b'), since('never')], [0, 2, 2]);
  // What is kept of c began when nothing of it was missing; that of b begins behind what went.
  keep('b', 7, { size: 10 });
  assert.deepEqual([since('c'), since('b'), offsets('b')], [0, 2, [7]]);
  assert.ok(kept.bytes <= 3_600);
});

test('a channel that has dropped records claims nothing in front of them once it goes', () => {
  const { keep, since, kept, place } = ring({ last: 1, bytes: 2_000 });
  for (const offset of [3, 4, 8]) keep('a', offset);
  kept.clear('a', place);
  assert.equal(since('a'), 9);
  keep('b', 9, { size: 1_300 });
  assert.equal(since('a'), 9);
});

test('what goes later may have gone on earlier records: the claim is that of the newest that went', () => {
  const { keep, since } = ring({ bytes: 2_000 });
  keep('a', 9, { size: 300 });
  keep('b', 3, { size: 300 });
  keep('c', 10, { size: 1_200 });
  assert.deepEqual([since('a'), since('b')], [10, 10]);
});

test('a record that is larger than all drives out none but those of its channel', () => {
  const { kept, keep, offsets, since } = ring({ bytes: 4_000 });
  keep('a', 0);
  keep('b', 1);
  keep('b', 2, { size: 4_000 });
  assert.deepEqual([offsets('a'), offsets('b')], [[0], []]);
  assert.deepEqual([since('a'), since('b'), kept.size], [0, 3, 1]);
});

test('a channel that alone is too large loses its oldest records', () => {
  const { kept, keep, offsets, since } = ring({ bytes: 3_000 });
  for (const offset of [0, 1, 2]) keep('a', offset, { size: 700 });
  assert.deepEqual([offsets('a'), since('a')], [[1, 2], 1]);
  assert.ok(kept.bytes <= 3_000);
});

test('records that are too old count as missing', () => {
  const { keep, newest, since, kept } = ring({ age: 60_000 });
  keep('a', 0, { timestamp: NOW });
  keep('a', 1, { timestamp: NOW + 50_000 });
  assert.deepEqual([newest('a', 3, NOW + 60_000), since('a', NOW + 60_000)], [[0, 1], 0]);
  assert.deepEqual([since('a', NOW + 60_001), newest('a', 3, NOW + 60_001)], [1, [1]]);
  const before = kept.bytes;
  assert.deepEqual([newest('a', 3, NOW + 200_000), since('a')], [[], 2]);
  assert.ok(kept.bytes < before);
});

test('what was kept of a channel in another place is gone', () => {
  const { kept, place, keep, offsets, since } = ring();
  keep('a', 0);
  const other = new FeedPartition({ feed: new FakeFeed() }, { epoch: 'f', partition: 0, offset: 4 });
  assert.equal(kept.sinceOf('a', other, NOW), 4);
  assert.deepEqual([offsets('a'), since('a'), place.since], [[], 1, 1]);
});

test('nothing is left of channels that have gone', () => {
  const { kept, keep } = ring({ bytes: 20_000 });
  for (let offset = 0; offset < 5_000; offset += 1) keep(`channel-${offset}`, offset);
  assert.ok(kept.size < 40, `${kept.size}`);
  kept.forget(() => true);
  assert.deepEqual([kept.size, kept.bytes], [0, 0]);
});

function earlier(records: Readonly<Record<string, readonly [since: number, ...offsets: number[]]>>, size = 10) {
  return new Map(
    Object.entries(records).map(([channel, [since, ...offsets]]) => {
      const frames = offsets.map((offset) => {
        const frame = new SharedFrame({ data: `${offset}`.padEnd(size), binary: false }, encode);
        return { frame, offset, timestamp: NOW };
      });
      return [channel, { since, frames }];
    }),
  );
}

function startedAt(offset: number, limits: Partial<RingLimits> = {}) {
  const own = ring(limits);
  own.place.evicted(offset);
  return own;
}

test('what is read again joins on to what is kept, and all channels are complete from there on', () => {
  const { kept, keep, place, offsets, since } = startedAt(20);
  keep('a', 21);
  keep('b', 22);
  kept.extend(place, 10, earlier({ a: [10, 12], c: [10, 11, 13] }));
  assert.deepEqual([offsets('a'), offsets('b'), offsets('c')], [[12, 21], [22], [11, 13]]);
  assert.deepEqual([since('a'), since('b'), since('c'), since('never')], [10, 10, 10, 10]);
  kept.extend(place, 5, earlier({ a: [5, 7] }));
  assert.deepEqual([offsets('a'), since('a'), since('never')], [[7, 12, 21], 5, 5]);
});

test('a channel takes as many earlier records as it has room for, and claims no more', () => {
  const { kept, keep, place, offsets, since } = startedAt(20);
  keep('a', 21);
  keep('a', 22);
  kept.extend(place, 10, earlier({ a: [10, 12, 15], b: [14, 14, 15, 16] }));
  assert.deepEqual([offsets('a'), since('a')], [[15, 21, 22], 13]);
  assert.deepEqual([offsets('b'), since('b')], [[14, 15, 16], 14]);
  keep('a', 23);
  assert.deepEqual([offsets('a'), since('a')], [[21, 22, 23], 16]);
});

test('a channel that has lost records since then is left as it is', () => {
  const { kept, keep, place, offsets, since } = startedAt(20, { last: 1 });
  for (const offset of [21, 22]) keep('a', offset);
  kept.extend(place, 10, earlier({ a: [10, 12] }));
  assert.deepEqual([offsets('a'), since('a'), since('b')], [[22], 22, 10]);
});

test('a value that was deleted does not come back by what is read again', () => {
  const { kept, keep, place, offsets, newest, since } = startedAt(20);
  kept.clear('a', place);
  kept.extend(place, 10, earlier({ a: [10, 12] }));
  assert.deepEqual([newest('a', 1), since('a'), since('b')], [[], 20, 10]);
  keep('a', 24);
  assert.deepEqual([offsets('a'), since('a')], [[24], 20]);
});

test('nothing is driven out by what is read again', () => {
  const { kept, keep, place, offsets, since } = startedAt(20, { bytes: 4_000 });
  keep('a', 21);
  assert.equal(kept.hasRoom, true);
  kept.extend(place, 10, earlier({ b: [10, 12] }, 4_000));
  assert.deepEqual([offsets('a'), offsets('b'), since('b')], [[21], [], 20]);
  const used = kept.bytes;
  kept.extend(place, 10, earlier({ b: [10, 12] }, 1_000));
  assert.deepEqual([offsets('b'), kept.bytes - used], [[12], 512 + 1_001 + 256 + 2]);
  keep('c', 23, { size: 900 });
  assert.equal(kept.hasRoom, false);
});

test('what goes after it was extended takes the claims of all with it', () => {
  const { kept, keep, place, since } = startedAt(20, { bytes: 2_400 });
  kept.extend(place, 10, earlier({ a: [10, 12] }));
  keep('b', 21);
  keep('c', 22, { size: 800 });
  assert.deepEqual([since('a'), since('never'), since('b')], [13, 13, 10]);
});

test('what is kept already is not taken again, where the claims of all begin behind it', () => {
  const { kept, keep, place, offsets, since } = startedAt(20);
  keep('a', 21);
  place.evicted(30);
  kept.extend(place, 10, earlier({ a: [10, 12, 21] }));
  assert.deepEqual([offsets('a'), since('a')], [[12, 21], 10]);
});
