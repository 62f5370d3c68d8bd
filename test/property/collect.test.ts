import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../src/core/message.ts';
import type { StatefulOperator } from '../../src/core/stateful-operator.ts';
import { collect } from '../../src/pipelines/operators/collect/collect.ts';
import { type Act, type Damage, runStory, type Sample } from '../../src/testing/laws/state-story.ts';
import { actsWith, places, spacings } from '../../src/testing/laws/state-story-arbitraries.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { fakeContext } from '../unit/pipelines/parts.ts';

/* Arrays that come out of crashes, beside those that are made by going through all records once. */

interface Shape {
  readonly count: number | undefined;
  readonly period: number | undefined;
  readonly bytes: number;
  readonly byKey: boolean;
  readonly spacing: number;
}

/** Later than all records. */
const END = 10_000;

function operatorOf({ count, period, bytes, byKey }: Shape): StatefulOperator {
  const { context } = fakeContext();
  const clock = new HandClock();
  clock.stepped = END;
  const config = collect.config.parse({
    ...(count === undefined ? {} : { count }),
    ...(period === undefined ? {} : { period: `${period}ms` }),
    bytes: `${bytes}B`,
    ...(byKey ? { by: '${! key }' } : {}),
    value: '${! json.i }',
  });
  return collect.create(config, { ...context, clock }) as StatefulOperator;
}

/** All arrays without crashes: their key and the numbers of their records. `end`: those that are open at the end come, too. */
function expectedArrays(samples: readonly Sample[], shape: Shape, end: boolean): string[] {
  const { count = Number.POSITIVE_INFINITY, period = Number.POSITIVE_INFINITY, bytes, byKey } = shape;
  const done: string[] = [];
  const open = new Map<string, number[]>();
  let watermark = 0;
  let ends = Number.POSITIVE_INFINITY;
  const close = (key: string) => {
    done.push(`${key} ${open.get(key)}`);
    open.delete(key);
  };
  for (const [i, { key, time }] of samples.entries()) {
    const name = byKey ? key : 'all';
    watermark = Math.max(watermark, time);
    if (open.size > 0 && watermark >= ends) for (const one of [...open.keys()]) close(one);
    const text = [...(open.get(name) ?? []), i].join();
    if (open.has(name) && text.length + 1 > bytes) close(name);
    if (open.size === 0) ends = watermark + period;
    open.set(name, [...(open.get(name) ?? []), i]);
    if (open.get(name)?.length === count) close(name);
  }
  if (end) for (const one of [...open.keys()]) close(one);
  return done;
}

const recordsIn = (message: Message) => message.json as number[];

function shownArray(message: Message): string {
  const all = recordsIn(message);
  assert.deepEqual(message.headers, [['tidegate-count', String(all.length)]]);
  return `${message.key ?? 'all'} ${all}`;
}

const samples = places.map((list) => list.map(({ key, time }, i): Sample => ({ key, time, json: { i } })));
const shapes: fc.Arbitrary<Shape> = fc
  .record({
    count: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    period: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    bytes: fc.constantFrom(5, 9, 1_000),
    byKey: fc.boolean(),
    spacing: spacings,
  })
  .filter(
    ({ count, period, byKey }) => (count !== undefined || period !== undefined) && (period !== undefined || !byKey),
  );
const RUNS = Number(process.env.RUNS ?? 200);

function run(list: readonly Sample[], shape: Shape, acts: readonly Act[], isTransactional: boolean, damage?: Damage) {
  const operator = operatorOf(shape);
  const { spacing, period } = shape;
  const end = period === undefined ? {} : { end: END };
  const damaged = damage === ANYWHERE ? restartingAnywhere(operator) : operator;
  return runStory(damaged, { samples: list, acts, isTransactional, spacing, ...end }, damage);
}

/** Reading starts again at any record in front of those that are held, as other operators allow it. */
const ANYWHERE: Damage = {};
const restartingAnywhere = (operator: StatefulOperator): StatefulOperator => ({
  ...operator,
  restartsWhereEmpty: false,
  partition: (port) => operator.partition(Object.create(port, { mayRestart: { value: () => {} } })),
});

const atLeastOnce = (damage?: Damage) =>
  fc.property(samples, shapes, actsWith(), (list, shape, acts) => {
    const results = new Set(run(list, shape, acts, false, damage).map(shownArray));
    assert.deepEqual([...results].sort(), expectedArrays(list, shape, shape.period !== undefined).sort());
  });
const exactlyOnce = (damage?: Damage) =>
  fc.property(samples, shapes, actsWith(), (list, shape, acts) => {
    const results = run(list, shape, acts, true, damage).map(shownArray);
    assert.deepEqual(results.sort(), expectedArrays(list, shape, shape.period !== undefined).sort());
  });

const clock = fc.integer({ min: 1, max: 90 }).map((n): Act => ({ do: 'clock', n }));
/** Where also the clock ends arrays, a crash may change how records are put into arrays. */
const noneIsLost = (isTransactional: boolean) =>
  fc.property(samples, shapes, actsWith(clock), (list, shape, acts) => {
    const arrays = run(list, { ...shape, period: shape.period ?? 20 }, acts, isTransactional).map(recordsIn);
    const all = list.map((_, i) => i);
    if (isTransactional) assert.deepEqual(arrays.flat().sort(byNumber), all);
    assert.deepEqual([...new Set(arrays.flat())].sort(byNumber), all);
    for (const array of arrays) {
      const [first] = array as [number];
      if (shape.byKey) assert.deepEqual(array, [...array].sort(byNumber));
      else assert.deepEqual(array, all.slice(first, first + array.length), 'they follow each other');
    }
  });
const byNumber = (one: number, other: number) => one - other;

test('arrays come out of crashes as they would have without, at least once each', () => {
  fc.assert(atLeastOnce(), { numRuns: RUNS });
});

test('where results and offsets are committed together, each array comes exactly once', () => {
  fc.assert(exactlyOnce(), { numRuns: RUNS });
});

test('where the clock ends arrays no record is lost, and none comes twice with transactions', () => {
  fc.assert(noneIsLost(false), { numRuns: RUNS });
  fc.assert(noneIsLost(true), { numRuns: RUNS });
});

describe('each part of the design is needed: without it the model fails', () => {
  const never = Number.MIN_SAFE_INTEGER;
  const damages: [string, Damage, typeof atLeastOnce][] = [
    ['replay', { note: (note, committed) => ({ ...note, replay: committed }) }, atLeastOnce],
    ['wm', { note: (note) => ({ ...note, watermark: never }) }, atLeastOnce],
    ['a record waits for what it completed', { acksAtOnce: true }, atLeastOnce],
    ['reading starts again where the state was empty', ANYWHERE, atLeastOnce],
  ];
  for (const [part, damage, property] of damages)
    test(part, () => {
      const { failed } = fc.check(property(damage), { numRuns: 2_000, seed: 1, endOnFailure: true });
      assert.ok(failed);
    });
});
