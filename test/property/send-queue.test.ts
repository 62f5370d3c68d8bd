import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SendQueue, type WhenFull } from '../../src/core/send-queue.ts';

/** What a send queue should do, in the plainest way: two lists of frames. */
interface Model {
  data: string[];
  control: string[];
  dropped: number;
  told: number;
}

type Command = fc.Command<Model, SendQueue>;

const LIMIT = 12;
const bytesOf = (frames: readonly string[]) => frames.reduce((sum, frame) => sum + frame.length, 0);

function agree(model: Model, queue: SendQueue): void {
  assert.deepEqual(
    [queue.dataBytes, queue.controlBytes, queue.bytes, queue.length, queue.droppedSoFar],
    [
      bytesOf(model.data),
      bytesOf(model.control),
      bytesOf(model.data) + bytesOf(model.control),
      model.data.length + model.control.length,
      model.dropped,
    ],
  );
  assert.ok(queue.dataBytes <= LIMIT, 'data is over the limit');
}

function expectedPush(model: Model, frame: string, whenFull: WhenFull): string {
  if (bytesOf(model.data) + frame.length <= LIMIT) {
    model.data.push(frame);
    return 'queued';
  }
  if (whenFull === 'block' || whenFull === 'disconnect') return 'full';
  if (whenFull === 'drop_newest' || frame.length > LIMIT) {
    model.dropped += 1;
    return 'dropped';
  }
  while (bytesOf(model.data) + frame.length > LIMIT) {
    model.data.shift();
    model.dropped += 1;
  }
  model.data.push(frame);
  return 'queued';
}

const push = (frame: string, whenFull: WhenFull): Command => ({
  check: () => true,
  run(model, queue) {
    assert.equal(queue.push(Buffer.from(frame)), expectedPush(model, frame, whenFull));
    agree(model, queue);
  },
  toString: () => `push(${frame})`,
});

const pushControl = (frame: string): Command => ({
  check: () => true,
  run(model, queue) {
    model.control.push(frame);
    queue.pushControl(Buffer.from(frame));
    agree(model, queue);
  },
  toString: () => `pushControl(${frame})`,
});

const take = (most: number): Command => ({
  check: () => true,
  run(model, queue) {
    const all = [...model.control, ...model.data];
    const expected: string[] = [];
    for (const frame of all) {
      if (expected.length > 0 && bytesOf(expected) + frame.length > most) break;
      expected.push(frame);
    }
    const fromControl = Math.min(expected.length, model.control.length);
    model.control = model.control.slice(fromControl);
    model.data = model.data.slice(expected.length - fromControl);
    assert.deepEqual(queue.take(most).map(String), expected);
    agree(model, queue);
  },
  toString: () => `take(${most})`,
});

const takeDropped: Command = {
  check: () => true,
  run(model, queue) {
    assert.equal(queue.takeDropped(), model.dropped - model.told);
    model.told = model.dropped;
  },
  toString: () => 'takeDropped',
};

for (const whenFull of ['block', 'disconnect', 'drop_oldest', 'drop_newest'] as const) {
  test(`a send queue that is full and has to ${whenFull} does what its model does`, () => {
    const frame = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: LIMIT + 2 });
    const commands = fc.commands(
      [
        frame.map((text) => push(text, whenFull)),
        frame.map(pushControl),
        fc.integer({ min: 0, max: 20 }).map(take),
        fc.constant(takeDropped),
      ],
      { maxCommands: 60 },
    );
    fc.assert(
      fc.property(commands, (run) =>
        fc.modelRun(
          () => ({
            model: { data: [], control: [], dropped: 0, told: 0 } as Model,
            real: new SendQueue(LIMIT, whenFull),
          }),
          run,
        ),
      ),
      { numRuns: 200 },
    );
  });
}
