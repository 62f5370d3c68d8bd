import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../src/core/message.ts';
import type { StatefulOperator } from '../../src/core/stateful-operator.ts';
import { latest } from '../../src/pipelines/operators/latest/latest.ts';
import { type Damage, runStory, type Sample } from '../../src/testing/laws/state-story.ts';
import { actsWith, places, spacings } from '../../src/testing/laws/state-story-arbitraries.ts';
import { fakeContext } from '../unit/pipelines/parts.ts';

const samples = places.map((list) => list.map(({ key, time }, i): Sample => ({ key, time, json: { i } })));
const tick = fc.constant({ do: 'tick' as const });
const RUNS = Number(process.env.RUNS ?? 200);

const operatorOf = () => latest.create(latest.config.parse({ every: '1s' }), fakeContext().context) as StatefulOperator;
const numberIn = (message: Message) => (message.json as { i: number }).i;

/** The newest record of each key, of the first so many. */
function newest(list: readonly Sample[], count = list.length): Map<string, number> {
  return new Map(list.slice(0, count).map(({ key }, i) => [key, i]));
}

const theNewestComes = (isTransactional: boolean, damage?: Damage) =>
  fc.property(samples, actsWith(tick), spacings, (list, acts, spacing) => {
    const stays = [{ committed: 0, from: 0 }];
    const crashed = (committed: number, from: number) => stays.push({ committed, from });
    const results = runStory(operatorOf(), { samples: list, acts, isTransactional, spacing }, damage, { crashed });
    const last = new Map(results.map((message) => [message.key, numberIn(message)]));
    assert.deepEqual(new Map([...last].sort()), new Map([...newest(list)].sort()));
    for (const [at, { committed, from }] of stays.entries()) {
      // What a new owner gives is never older than what was committed, and rises.
      const known = new Map(newest(list, committed));
      for (const message of results.slice(from, stays[at + 1]?.from)) {
        const key = String(message.key);
        assert.equal(list[numberIn(message)]?.key, key);
        assert.ok(numberIn(message) >= (known.get(key) ?? 0));
        known.set(key, numberIn(message));
      }
    }
  });

test('the newest record of each key comes after crashes, and none that is older than what was committed', () => {
  fc.assert(theNewestComes(false), { numRuns: RUNS });
  fc.assert(theNewestComes(true), { numRuns: RUNS });
});

describe('each part of the design is needed: without it the model fails', () => {
  test('replay', () => {
    const damage: Damage = { note: (note, committed) => ({ ...note, replay: committed }) };
    assert.ok(fc.check(theNewestComes(false, damage), { numRuns: 2_000, seed: 1, endOnFailure: true }).failed);
  });
});
