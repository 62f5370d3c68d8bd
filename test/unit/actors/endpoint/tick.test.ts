import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TickBatch } from '../../../../src/actors/endpoint/tick.ts';
import { shared } from '../shared.ts';

function setUp() {
  const passed: number[] = [];
  const tick = new TickBatch<{ payload: Buffer }>({
    passOn: (messages) => void passed.push(messages.length),
    fanOut: () => {},
    tickFailed: () => {},
  });
  const collect = (count: number, size: number) => {
    for (let n = 0; n < count; n += 1) tick.collect({ payload: Buffer.alloc(size) });
  };
  return { passed, collect };
}

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what the reads of one turn bring goes on together at its end', async () => {
  const { passed, collect } = setUp();
  collect(500, 100);
  await nextTick();
  collect(500, 100);
  await nextTick();
  assert.deepEqual(passed, []);
  await nextTurn();
  assert.deepEqual(passed, [1_000]);
});

for (const [what, count, size] of [
  ['many', 1_024, 1],
  ['large', 4, 65_536],
] as const) {
  test(`messages that are too ${what} go on after their read, so that the gate can shut before the next`, async () => {
    const { passed, collect } = setUp();
    collect(count, size);
    collect(10, 1);
    await nextTick();
    assert.deepEqual(passed, [count + 10]);
    // What has gone on does not count for what comes next.
    collect(1, 1);
    await nextTick();
    assert.deepEqual(passed, [count + 10]);
    await nextTurn();
    assert.deepEqual(passed, [count + 10, 1]);
  });
}

test('what one part of a turn throws does not keep the others from going on, nor the next turn', async () => {
  const went: string[] = [];
  const failed: unknown[] = [];
  const bug = new RangeError('out of range');
  const tick = new TickBatch<{ payload: Buffer }>({
    passOn: () => {
      throw bug;
    },
    fanOut: () => {
      throw bug;
    },
    tickFailed: (error) => void failed.push(error),
  });
  for (const name of ['a', 'b']) {
    tick.collect({ payload: Buffer.alloc(1) });
    tick.tell(shared('a'));
    tick.schedule({ flush: () => void went.push(name) });
    await nextTurn();
  }
  assert.deepEqual(
    [went, failed],
    [
      ['a', 'b'],
      [bug, bug, bug, bug],
    ],
  );
});

test('a small turn behind a large one waits for its end, as the bytes that have gone on count no more', async () => {
  const { passed, collect } = setUp();
  collect(4, 65_536);
  await nextTick();
  assert.deepEqual(passed, [4]);
  collect(1, 1);
  await nextTick();
  collect(1, 1);
  await nextTick();
  assert.deepEqual(passed, [4], 'nothing is hurried along');
  await nextTurn();
  collect(1, 1);
  await nextTick();
  assert.deepEqual(passed, [4, 2]);
  await nextTurn();
  assert.deepEqual(passed, [4, 2, 1]);
});

test('an answer that comes while the turn writes answers is written in the next turn', async () => {
  const written: string[] = [];
  const tick = new TickBatch<{ payload: Buffer }>({
    passOn: () => {},
    fanOut: () => {},
    tickFailed: () => {},
  });
  const b = { flush: () => void written.push('b') };
  tick.schedule({
    flush: () => {
      written.push('a');
      tick.schedule(b);
    },
  });
  await nextTurn();
  await nextTurn();
  assert.deepEqual(written, ['a', 'b']);
});
