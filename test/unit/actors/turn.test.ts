import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turn } from '../../../src/actors/audience/turn.ts';

function setUp() {
  const passed: number[] = [];
  const turn = new Turn<never, { payload: Buffer }>({
    passOn: (messages) => void passed.push(messages.length),
    fanOut: () => {},
    flush: () => {},
  });
  const collect = (count: number, size: number) => {
    for (let n = 0; n < count; n += 1) turn.collect({ payload: Buffer.alloc(size) });
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
  test(`messages that are too ${what} go on after the read that brought them, so that the gate can shut before the next`, async () => {
    const { passed, collect } = setUp();
    collect(count, size);
    collect(10, 1);
    await nextTick();
    assert.deepEqual(passed, [count + 10]);
    collect(1, 1);
    await nextTurn();
    assert.deepEqual(passed, [count + 10, 1]);
  });
}
