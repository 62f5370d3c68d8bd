import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReceivedFrame } from '../../src/feeds/queues/held-frames.ts';
import { Overlap } from '../../src/feeds/source/overlap.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('old' as const) },
  { weight: 6, arbitrary: fc.constant('new' as const) },
  { weight: 3, arbitrary: fc.constant('server' as const) },
  { weight: 2, arbitrary: fc.constant('dial' as const) },
  { weight: 2, arbitrary: fc.constant('live' as const) },
  { weight: 1, arbitrary: fc.constant('lose' as const) },
  { weight: 1, arbitrary: fc.constant('release' as const) },
  { weight: 1, arbitrary: fc.constant('wait' as const) },
);

const plan = fc.record({
  steps: fc.array(step, { maxLength: 80 }),
  /** Messages with the same key follow each other in groups of this size. */
  group: fc.integer({ min: 1, max: 3 }),
  /** Whether keys have to be waited for. */
  isLate: fc.boolean(),
});

test('two connections of an overlap make one feed: in order, nothing lost, nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ steps, group, isLate }) => {
      const run = new OverlapRun(group, isLate);
      for (const each of steps) {
        if (each === 'wait') await ticks();
        else run[each]();
      }
      await ticks();
      run.finish();
      await ticks();
      assert.deepEqual(
        run.passed,
        Array.from({ length: run.last }, (_, n) => n),
      );
      run.clock.advance(60_000);
      assert.equal(run.overlap.isOver, true);
      assert.equal(run.clock.pending, 0);
    }),
    { numRuns: 500 },
  );
});

// Helpers

const ticks = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A server that says 0, 1, 2, ... to an old connection, and to a new one behind what the old one had when it was dialled. */
class OverlapRun {
  readonly passed: number[] = [];
  readonly clock = new HandClock();
  readonly overlap: Overlap;
  /** What the server has said. */
  last = 0;
  private readonly group: number;
  private position = 0;
  private next: { position: number; isLive: boolean } | undefined;

  constructor(group: number, isLate: boolean) {
    this.group = group;
    this.overlap = new Overlap({
      clock: this.clock,
      keyOf: (data) => {
        const key = { text: String(Math.floor(Number(data) / group)), isRepeatable: true };
        return isLate && Number(data) % 2 === 0 ? Promise.resolve(key) : key;
      },
      isKnown: () => false,
      pass: ({ data }) => this.passed.push(Number(data)),
      duplicate: () => {},
      backlog: { full: () => {}, drained: () => {} },
    });
  }

  server(): void {
    this.last += 1;
  }

  old(): void {
    if (this.position === this.last) return;
    this.overlap.take('old', frameOf(this.position, 1));
    this.position += 1;
  }

  /** It continues behind the last whole group: a cursor of which half was received would lose the other half. */
  dial(): void {
    if (this.next !== undefined) return;
    const { length } = this.passed;
    if (length < this.position || length % this.group !== 0) return;
    this.next = { position: length, isLive: false };
    this.overlap.asked();
  }

  live(): void {
    if (this.next === undefined || this.next.isLive) return;
    this.next.isLive = true;
    this.overlap.live();
  }

  new(): void {
    const { next } = this;
    if (next?.isLive !== true || next.position === this.last) return;
    this.overlap.take('new', frameOf(next.position, 2));
    next.position += 1;
  }

  lose(): void {
    if (this.next === undefined) return;
    this.next = undefined;
    this.overlap.lost();
  }

  release(): void {
    this.overlap.release();
  }

  /** The old connection is gone, and the new one receives the rest; without a new one, the old one does. */
  finish(): void {
    const { next } = this;
    if (next === undefined) {
      while (this.position < this.last) this.old();
      this.overlap.end();
      return;
    }
    this.live();
    this.overlap.finish();
    while (next.position < this.last) this.new();
  }
}

function frameOf(position: number, connection: number): ReceivedFrame {
  return { data: Buffer.from(String(position)), binary: false, connection, isRecord: true };
}
