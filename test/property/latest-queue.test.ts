import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyOfFrame, withKey } from '../../src/core/frame-key.ts';
import { KEYED_PLACE, QueuedFrames } from '../../src/core/queued-frames.ts';
import { SendQueue } from '../../src/core/send-queue.ts';

interface Record {
  readonly key: string | undefined;
  readonly number: number;
  readonly length: number;
}

/** What a send queue with `latest` should do, in the plainest way. */
interface Model {
  data: Record[];
  control: number[];
  dropped: number;
  superseded: number;
  told: number;
  pushed: number;
  /** Number of the newest record of each key that was taken. */
  readonly taken: Map<string, number>;
}

interface Real {
  queue: SendQueue;
  weights: QueuedFrames;
}

type Command = fc.Command<Model, Real>;

const LIMIT = 40;
/** Of a frame, besides its bytes. */
const FRAME = 256;
const CONTROL_PLACE = 16;

const lengthOf = (records: readonly Record[]) => records.reduce((sum, { length }) => sum + length, 0);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function frameOf({ key, number, length }: Record): Buffer {
  const frame = Buffer.alloc(length);
  frame.writeUInt32BE(number);
  return withKey(frame, key);
}

function agree(model: Model, { queue, weights }: Real): void {
  const bytes = lengthOf(model.data);
  assert.deepEqual(
    [queue.dataBytes, queue.length, queue.droppedSoFar, queue.supersededSoFar, queue.hasDropped],
    [
      bytes,
      model.data.length + model.control.length,
      model.dropped,
      model.superseded,
      model.dropped + model.superseded > model.told,
    ],
  );
  assert.ok(queue.dataBytes <= LIMIT, 'data is over the limit');
  const keys = model.data.flatMap(({ key }) => (key === undefined ? [] : [key]));
  assert.equal(new Set(keys).size, keys.length);
  const weight =
    bytes +
    sum(model.control) +
    2 * sum(keys.map((key) => key.length)) +
    model.data.length * (FRAME + KEYED_PLACE) +
    model.control.length * (FRAME + CONTROL_PLACE);
  assert.deepEqual([weights.bytes, queue.weight], [weight, weight]);
  assert.equal(queue.nextBytes, model.control[0] ?? model.data[0]?.length ?? 0);
}

function expectPush(model: Model, record: Record): string {
  if (record.length > LIMIT) {
    model.dropped += 1;
    return 'dropped';
  }
  const at = record.key === undefined ? -1 : model.data.findIndex(({ key }) => key === record.key);
  if (at >= 0) {
    model.superseded += 1;
    const others = model.data.filter((_, index) => index !== at);
    if (lengthOf(others) + record.length <= LIMIT) {
      model.data[at] = record;
      return 'queued';
    }
    model.data = others;
  }
  while (lengthOf(model.data) + record.length > LIMIT) {
    model.data.shift();
    model.dropped += 1;
  }
  model.data.push(record);
  return 'queued';
}

const push = (key: string | undefined, length: number): Command => ({
  check: () => true,
  run(model, real) {
    model.pushed += 1;
    const record = { key, number: model.pushed, length };
    assert.equal(real.queue.push(frameOf(record)), expectPush(model, record));
    agree(model, real);
  },
  toString: () => `push(${key}, ${length})`,
});

const pushControl = (length: number): Command => ({
  check: () => true,
  run(model, real) {
    model.control.push(length);
    real.queue.pushControl(Buffer.alloc(length));
    agree(model, real);
  },
  toString: () => `pushControl(${length})`,
});

const take = (most: number): Command => ({
  check: () => true,
  run(model, real) {
    const lengths = [...model.control, ...model.data.map(({ length }) => length)];
    let count = 0;
    while (count < lengths.length && (count === 0 || sum(lengths.slice(0, count + 1)) <= most)) count += 1;
    const frames = real.queue.take(most);
    assert.equal(frames.length, count);
    const answers = Math.min(count, model.control.length);
    const records = frames.slice(answers);
    const expected = model.data.splice(0, count - answers);
    model.control.splice(0, answers);
    assert.deepEqual(
      records.map((frame) => [keyOfFrame(frame), frame.readUInt32BE(), frame.length]),
      expected.map(({ key, number, length }) => [key, number, length]),
    );
    for (const { key, number } of expected) {
      if (key === undefined) continue;
      assert.ok(number > (model.taken.get(key) ?? 0), `a record of ${key} overtook a newer one`);
      model.taken.set(key, number);
    }
    agree(model, real);
  },
  toString: () => `take(${most})`,
});

const clear: Command = {
  check: () => true,
  run(model, real) {
    model.data = [];
    model.control = [];
    real.queue.clear();
    agree(model, real);
  },
  toString: () => 'clear',
};

const takeDropped: Command = {
  check: () => true,
  run(model, real) {
    assert.equal(real.queue.takeDropped(), model.dropped + model.superseded - model.told);
    model.told = model.dropped + model.superseded;
    agree(model, real);
  },
  toString: () => 'takeDropped',
};

test('a send queue with latest does what its model does, and its bytes are exact', () => {
  const key = fc.constantFrom('a', 'b', 'é', 'long key', '0', '', undefined);
  const commands = fc.commands(
    [
      fc.tuple(key, fc.integer({ min: 4, max: 14 })).map(([of, length]) => push(of, length)),
      fc.tuple(key, fc.integer({ min: 30, max: LIMIT + 4 })).map(([of, length]) => push(of, length)),
      fc.integer({ min: 1, max: 9 }).map(pushControl),
      fc.integer({ min: 0, max: 50 }).map(take),
      fc.constant(takeDropped),
      fc.constant(clear),
    ],
    { maxCommands: 80 },
  );
  fc.assert(
    fc.property(commands, (run) =>
      fc.modelRun(() => {
        const weights = new QueuedFrames();
        const model: Model = {
          data: [],
          control: [],
          dropped: 0,
          superseded: 0,
          told: 0,
          pushed: 0,
          taken: new Map(),
        };
        return { model, real: { queue: new SendQueue(LIMIT, 'latest', weights), weights } };
      }, run),
    ),
    { numRuns: 500 },
  );
});

test('of any records that wait, where each key fits, exactly the newest of each key is taken', () => {
  const keys = ['a', 'b', 'c', 'd'] as const;
  const records = fc.array(fc.record({ key: fc.constantFrom(...keys), length: fc.integer({ min: 4, max: 10 }) }));
  fc.assert(
    fc.property(records, (pushed) => {
      const queue = new SendQueue(LIMIT, 'latest');
      const newest = new Map<string, number>();
      for (const [number, { key, length }] of pushed.entries()) {
        queue.push(frameOf({ key, number, length }));
        newest.set(key, number);
      }
      const taken = queue.take(LIMIT).map((frame) => [keyOfFrame(frame), frame.readUInt32BE()]);
      assert.deepEqual(taken, [...newest]);
      assert.equal(queue.takeDropped() + taken.length, pushed.length);
    }),
    { numRuns: 300 },
  );
});
