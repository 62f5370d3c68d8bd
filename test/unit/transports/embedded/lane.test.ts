import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import type { Message } from '../../../../src/core/message.ts';
import { EmbeddedLane } from '../../../../src/transports/embedded/lane.ts';
import type { Append } from '../../../../src/transports/embedded/records/records.ts';
import type { Store } from '../../../../src/transports/embedded/records/store.ts';
import type { TopicState } from '../../../../src/transports/embedded/records/topic-state.ts';
import { HandClock, message, parts, until } from './parts.ts';

describe('the lane of the embedded log', () => {
  test('repeats the very same batches while the disk refuses them, and says so', async () => {
    const { lane, clock, tries, events, fail } = lameLane();
    fail(2);
    const messages = [message('a'), message('b')];
    const sending = lane.send(messages);
    while (tries.length < 3) {
      await turn();
      clock.advance(500);
    }
    assert.deepEqual(await sending, []);
    assert.deepEqual(tries[1], tries[0]);
    assert.deepEqual(tries[2], tries[0]);
    assert.deepEqual(events, ['down', 'retrying', 'down', 'retrying', 'up', 'recovered']);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [7, 7],
    );
  });

  test('ends a send that waits for the disk when it is abandoned', async () => {
    const { lane, clock, fail, tries } = lameLane();
    fail(1_000);
    const sending = lane.send([message('a')]);
    const ended = assert.rejects(sending, { code: 'TG_LOG_UNAVAILABLE' });
    while (tries.length < 1) await turn();
    lane.abandon();
    await ended;
    clock.advance(10_000);
    await turn();
    assert.equal(tries.length, 1);
  });

  test('refuses the send when the topic is deleted meanwhile', async () => {
    const { lane, fail } = lameLane();
    fail(1, new TidegateError('TG_TOPIC_MISSING', 'gone'));
    const refusals = await lane.send([message('a'), message('b')]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [
        [0, 'TG_TOPIC_MISSING'],
        [1, 'TG_TOPIC_MISSING'],
      ],
    );
  });
});

describe('what the lane of the embedded log is given', () => {
  test('goes in turn to all partitions without a key, and by its key to one, at any place in the send', async () => {
    const { lane } = lameLane();
    const messages = ['a', 'b', 'c'].map((text) => message(text));
    const keyed = ['x', 'x', 'x'].map((key) => message('k', { key }));
    await lane.send([...messages, ...keyed]);
    await lane.send([message('d')]);
    const partitions = (list: readonly Message[]) => list.map(({ partition }) => partition);
    assert.deepEqual(partitions(messages), [0, 1, 0]);
    assert.equal(new Set(partitions(keyed)).size, 1);
    const next = message('e');
    await lane.send([next]);
    assert.equal(next.partition, 0, 'the turn goes on over sends');
    assert.deepEqual([next.topic, next.offset], ['t', 7]);
  });

  test('has offsets in the order of the send, partition by partition', async () => {
    const { lane } = lameLane();
    const messages = ['a', 'b', 'c', 'd'].map((text) => message(text));
    await lane.send(messages);
    assert.deepEqual(
      messages.map(({ partition, offset }) => [partition, offset]),
      [
        [0, 7],
        [1, 7],
        [0, 8],
        [1, 8],
      ],
    );
  });

  test('is refused where it is larger with its overhead than the topic takes, and the rest is stored', async () => {
    const { lane, tries, stats } = lameLane();
    // 21 bytes of the batch and 24 of the record are not payload.
    const fitting = message('x'.repeat(955));
    const large = message('x'.repeat(956));
    const refusals = await lane.send([message('a'), large, fitting]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code, failure.message]),
      [[1, 'TG_RECORD_TOO_LARGE', 'a record of 1001 bytes is larger than the topic t takes (1000)']],
    );
    assert.equal(tries.length, 1);
    assert.equal(fitting.offset, 7);
    assert.equal(large.offset, -1);
    assert.deepEqual([stats('records'), stats('bytes'), stats('refused'), stats('retries')], [2, 1_000 + 46, 1, 0]);
  });

  test('may be larger or smaller where the topic says so', async () => {
    const { lane } = lameLane({ 'max.message.bytes': '50' });
    const refusals = await lane.send([message('x'.repeat(5)), message('x'.repeat(6))]);
    assert.deepEqual(
      refusals.map(({ index }) => index),
      [1],
    );
  });

  test('needs a key in a compacted topic; where nothing is left nothing is written', async () => {
    const { lane, tries, events } = lameLane({ 'cleanup.policy': 'compact' });
    const [refusal] = await lane.send([message('a')]);
    assert.equal(refusal?.failure.code, 'TG_RECORD_REFUSED');
    assert.deepEqual([tries, events], [[], []]);
    assert.deepEqual(await lane.send([message('a', { key: 'k' })]), []);
  });

  test('is refused as a whole where the topic is missing', async () => {
    const { lane, stats, topics } = lameLane();
    topics.clear();
    const refusals = await lane.send([message('a'), message('b')]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [
        [0, 'TG_TOPIC_MISSING'],
        [1, 'TG_TOPIC_MISSING'],
      ],
    );
    assert.equal(stats('refused'), 2);
  });
});

test('a write is tried again after half a second, and each try counts', async () => {
  const { lane, clock, tries, fail, stats, grew, seconds } = lameLane();
  fail(2);
  const sending = lane.send([message('a')]);
  for (const count of [1, 2]) {
    await until(() => clock.pending > 0);
    assert.deepEqual([tries.length, stats('retries'), grew], [count, count, []]);
    clock.advance(499);
    assert.equal(clock.pending, 1);
    clock.advance(1);
  }
  await sending;
  assert.deepEqual([tries.length, stats('retries'), stats('records'), grew], [3, 2, 1, [0]]);
  assert.deepEqual(seconds(), [1, 1], 'one send that took a second');
});

test('a lane that was abandoned takes nothing more', async () => {
  const { lane, tries } = lameLane();
  lane.abandon();
  await assert.rejects(lane.send([message('a')]), {
    code: 'TG_LOG_UNAVAILABLE',
    message: 'the gateway stopped writing to t',
  });
  assert.deepEqual(tries, []);
});

/** A lane on a store that fails as often as `fail` says. */
function lameLane(config: TopicState['config'] = {}) {
  const clock = new HandClock();
  const tries: string[][] = [];
  const events: string[] = [];
  let failures = 0;
  let failure: Error = new Error('no space left on device');
  const topic: TopicState = { id: 1, name: 't', config, partitions: [], deleted: false };
  for (const index of [0, 1])
    topic.partitions.push({ topic, index, start: 0, end: 0, bytes: 0, intact: -1, watchers: new Set() });
  const topics = new Map([['t', topic]]);
  const grew: number[] = [];
  const store = {
    topics,
    records: {
      append: async (appends: readonly Append[]) => {
        tries.push(
          appends.map(
            ({ partition, batches }) => `${partition.index}:${batches.map((one) => one.value.toString('hex'))}`,
          ),
        );
        if (failures-- > 0) throw failure;
        return appends.map(() => 7);
      },
    },
  } as unknown as Store;
  const observer = {
    retrying: () => events.push('retrying'),
    recovered: () => events.push('recovered'),
    duplicatesPossible: () => events.push('duplicates'),
  };
  const wrote = (error: TidegateError | null) => void events.push(error === null ? 'up' : 'down');
  const { stats } = parts();
  const figure = (name: 'records' | 'bytes' | 'refused' | 'retries') =>
    stats.counter(`tidegate_lane_${name}_total`, { topic: 't' }).value;
  const lane = new EmbeddedLane('t', observer, {
    store: () => store,
    stats,
    clock,
    maxRecord: 1_000,
    grew: ({ index }) => void grew.push(index),
    wrote,
  });
  const seconds = () => {
    const metric = stats.snapshot().find(({ name }) => name === 'tidegate_lane_send_seconds');
    return metric?.kind === 'histogram' ? [metric.points[0]?.count, metric.points[0]?.sum] : undefined;
  };
  const fail = (times: number, error = failure) => {
    failures = times;
    failure = error;
  };
  return { lane, clock, tries, events, fail, topics, grew, stats: figure, seconds };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
