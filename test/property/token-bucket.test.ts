import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BucketRule, FULL } from '../../src/core/token-bucket.ts';

/** The bucket as it is explained: tokens that come one by one, and are thrown away when it is full. */
class Model {
  private readonly interval: number;
  private readonly most: number;
  private credit: number;
  private at = 0;

  /** All in milliseconds of tokens, as whole numbers. */
  constructor(interval: number, most: number) {
    this.interval = interval;
    this.most = most;
    this.credit = most;
  }

  fill(now: number): void {
    for (; this.at < now; this.at++) if (this.credit < this.most) this.credit += 1;
  }

  take(tokens: number): void {
    this.credit -= tokens * this.interval;
  }

  get isOver(): boolean {
    return this.credit < 0;
  }
}

const rule = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }));
const steps = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 5 })), { maxLength: 60 });

test('a bucket that is one number agrees with one that counts its tokens, whether it refuses or has debts', () => {
  fc.assert(
    fc.property(rule, steps, fc.boolean(), ([interval, size], taken, hasDebts) => {
      const bucket = new BucketRule({ count: size, period: interval * size });
      const model = new Model(interval, interval * size);
      let fullAt = FULL;
      let now = 0;
      for (const [pause, tokens] of taken) {
        now += pause;
        model.fill(now);
        const after = bucket.taken(fullAt, tokens, now);
        const isOver = bucket.isOver(after, now);
        model.take(tokens);
        assert.equal(isOver, model.isOver);
        if (isOver && !hasDebts) model.take(-tokens);
        else fullAt = after;
      }
    }),
  );
});

test('in no time are there more than the bucket and the rate allow', () => {
  fc.assert(
    fc.property(rule, steps, ([interval, size], taken) => {
      const bucket = new BucketRule({ count: size, period: interval * size });
      const passed: number[] = [];
      let fullAt = FULL;
      let now = 0;
      for (const [pause] of taken) {
        now += pause;
        const after = bucket.taken(fullAt, 1, now);
        if (bucket.isOver(after, now)) continue;
        fullAt = after;
        passed.push(now);
      }
      for (const [from, start] of passed.entries())
        for (const [to, end] of passed.entries())
          if (to >= from) assert.ok(to - from + 1 <= size + (end - start) / interval + 1e-9);
    }),
  );
});
