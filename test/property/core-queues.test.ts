import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerQueue } from '../../src/core/answer-queue.ts';
import { CreditGate } from '../../src/core/credit-gate.ts';
import { Fifo } from '../../src/core/fifo.ts';
import { SettledPrefix } from '../../src/core/settled-prefix.ts';

/** Numbers 0 to count - 1 in some order. */
const shuffled = (count: number) =>
  fc.shuffledSubarray(
    Array.from({ length: count }, (_, index) => index),
    { minLength: count },
  );

test('a fifo does what an array does', () => {
  const step = fc.oneof(fc.integer(), fc.constant('shift' as const), fc.constant('clear' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const fifo = new Fifo<number>();
      let model: number[] = [];
      for (const what of steps) {
        if (what === 'clear') {
          assert.deepEqual(fifo.clear(), model);
          model = [];
        } else if (what === 'shift') assert.equal(fifo.shift(), model.shift());
        else {
          model.push(what);
          fifo.push(what);
        }
        assert.deepEqual([fifo.length, fifo.peek(), fifo.at(1)], [model.length, model[0], model[1]]);
      }
    }),
  );
});

test('answers leave in the order of their frames, each once, whatever order they are filled in', () => {
  const cases = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc.record({
      order: shuffled(count),
      silent: fc.uniqueArray(fc.integer({ min: 0, max: count - 1 })),
      lookEvery: fc.integer({ min: 1, max: 5 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ order, silent, lookEvery }) => {
      const queue = new AnswerQueue();
      const slots = order.map((_, index) => queue.open(index));
      const sent: Buffer[] = [];
      for (const [step, index] of order.entries()) {
        const slot = slots[index] as number;
        assert.equal(queue.correlation(slot), index);
        queue.fill(slot, silent.includes(index) ? null : Buffer.from(String(index)));
        if (step % lookEvery === 0) queue.takeReady(sent);
      }
      queue.takeReady(sent);
      const expected = order.map((_, index) => index).filter((index) => !silent.includes(index));
      assert.deepEqual(sent.map(Number), expected);
      assert.equal(queue.pending, 0);
    }),
  );
});

test('the committable offset is the end of the contiguous settled prefix', () => {
  const cases = fc
    .record({ start: fc.nat(1_000), gaps: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 }) })
    .chain(({ start, gaps }) =>
      fc.record({ start: fc.constant(start), gaps: fc.constant(gaps), order: shuffled(gaps.length) }),
    );
  fc.assert(
    fc.property(cases, ({ start, gaps, order }) => {
      let at = start - 1;
      const offsets = gaps.map((gap) => {
        at += gap;
        return at;
      });
      const prefix = new SettledPrefix(start);
      for (const offset of offsets) prefix.enter(offset);
      const settled = new Set<number>();
      for (const index of order) {
        const offset = offsets[index] as number;
        settled.add(offset);
        prefix.settle(offset);
        const open = offsets.findIndex((each) => !settled.has(each));
        const last = open < 0 ? offsets.length : open;
        assert.equal(prefix.committable, last === 0 ? start : (offsets[last - 1] as number) + 1);
        assert.equal(prefix.unsettled, offsets.length - last);
      }
    }),
  );
});

test('a gate is shut from a high mark to the low marks, and tells each change once', () => {
  const cases = fc.record({
    messages: fc.integer({ min: 1, max: 20 }),
    bytes: fc.integer({ min: 1, max: 2_000 }),
    low: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    steps: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(0)), { maxLength: 100 }),
  });
  fc.assert(
    fc.property(cases, ({ messages, bytes, low, steps }) => {
      const told: boolean[] = [];
      const gate = new CreditGate({ messages, bytes, low }, (open) => told.push(open));
      const inside: number[] = [];
      let open = true;
      // A number comes in with that many bytes; 0 lets the oldest go. In the end all go.
      for (const step of [...steps, ...steps.map(() => 0)]) {
        if (step > 0) {
          inside.push(step);
          gate.take(1, step);
        } else {
          const gone = inside.shift();
          if (gone === undefined) continue;
          gate.give(1, gone);
        }
        const sum = inside.reduce((all, size) => all + size, 0);
        if (open && (inside.length >= messages || sum >= bytes)) open = false;
        else if (!open && inside.length <= messages * low && sum <= bytes * low) open = true;
        assert.deepEqual([gate.messages, gate.bytes, gate.isOpen], [inside.length, sum, open]);
      }
      assert.deepEqual(
        told,
        told.map((_, index) => index % 2 === 1),
      );
      assert.equal(gate.isOpen, true, 'an empty gate is open');
    }),
  );
});
