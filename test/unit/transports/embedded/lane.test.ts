import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { EmbeddedLane } from '../../../../src/transports/embedded/lane.ts';
import type { Append } from '../../../../src/transports/embedded/records.ts';
import type { Store } from '../../../../src/transports/embedded/store.ts';
import type { TopicState } from '../../../../src/transports/embedded/topic-state.ts';
import { HandClock, message, parts } from './parts.ts';

describe('the lane of the embedded log', () => {
  test('repeats the very same batches while the disk refuses them, and says so', async () => {
    const { lane, clock, tries, told, fail } = lameLane();
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
    assert.deepEqual(told, ['down', 'retrying', 'down', 'retrying', 'up', 'recovered']);
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

/** A lane on a store that fails as often as it is told to. */
function lameLane() {
  const clock = new HandClock();
  const tries: string[][] = [];
  const told: string[] = [];
  let failures = 0;
  let failure: Error = new Error('no space left on device');
  const topic: TopicState = { id: 1, name: 't', config: {}, partitions: [], deleted: false };
  for (const index of [0, 1]) topic.partitions.push({ topic, index, start: 0, end: 0, bytes: 0, watchers: new Set() });
  const store = {
    topics: new Map([['t', topic]]),
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
    retrying: () => told.push('retrying'),
    recovered: () => told.push('recovered'),
    duplicatesPossible: () => told.push('duplicates'),
  };
  const wrote = (error: TidegateError | null) => void told.push(error === null ? 'up' : 'down');
  const { stats } = parts();
  const lane = new EmbeddedLane('t', observer, {
    store: () => store,
    stats,
    clock,
    maxRecord: 1_000,
    grew() {},
    wrote,
  });
  const fail = (times: number, error = failure) => {
    failures = times;
    failure = error;
  };
  return { lane, clock, tries, told, fail };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
