import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SendWindow } from '../../src/feeds/sending/send-window.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

/* Servers that count what arrives, behind a network that delays each message by another time and keeps the order. */

interface Limit {
  readonly count: number;
  readonly period: number;
}

/** The first arrival that a server refuses; undefined if there is none. `phase`: when its clock began. */
type Server = (arrivals: readonly number[], limit: Limit, phase: number) => number | undefined;

const SERVERS: Readonly<Record<string, Server>> = {
  'a window that slides': (arrivals, { count, period }) =>
    arrivals.find((at, n) => n >= count && at - (arrivals[n - count] ?? 0) < period),
  'windows that begin at full seconds': (arrivals, { count, period }, phase) => {
    const counts = new Map<number, number>();
    return arrivals.find((at) => {
      const window = Math.floor((at + phase) / period);
      counts.set(window, (counts.get(window) ?? 0) + 1);
      return (counts.get(window) ?? 0) > count;
    });
  },
  'a bucket of tokens': (arrivals, { count, period }) => {
    let tokens = count;
    let last = 0;
    return arrivals.find((at) => {
      tokens = Math.min(count, tokens + ((at - last) * count) / period) - 1;
      last = at;
      return tokens < -1e-6;
    });
  },
};

/** When messages are sent that are wanted after `pauses`, each as early as the window allows. */
function sendTimes(limit: Limit, pauses: readonly number[]): number[] {
  const clock = new HandClock();
  const window = new SendWindow(limit, clock);
  const start = clock.elapsed();
  return pauses.map((pause) => {
    clock.advance(pause);
    clock.advance(window.delay);
    assert.equal(window.delay, 0);
    window.sent();
    return clock.elapsed() - start;
  });
}

/** With delays of up to `jitter` more than the shortest. TCP delivers in order. */
function arrivalsOf(sent: readonly number[], delays: readonly number[], jitter: number): number[] {
  let last = 0;
  return sent.map((at, n) => {
    last = Math.max(last, at + ((delays[n % delays.length] ?? 0) % (jitter + 1)));
    return last;
  });
}

const limits = fc.record({ count: fc.integer({ min: 1, max: 8 }), period: fc.constantFrom(1_000, 10_000, 60_000) });
/** Mostly bursts. */
const pauses = fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(2_000)), { maxLength: 60 });
const delays = fc.array(fc.oneof(fc.constant(0), fc.constant(250), fc.nat(250)), { minLength: 1, maxLength: 30 });

for (const [name, refused] of Object.entries(SERVERS))
  test(`send_rate is what the server allows: ${name} refuses nothing, with delays that vary by 250 ms`, () => {
    fc.assert(
      fc.property(limits, pauses, delays, fc.nat(60_000), (limit, wanted, delay, phase) => {
        const arrivals = arrivalsOf(sendTimes(limit, wanted), delay, 250);
        assert.equal(refused(arrivals, limit, phase), undefined);
      }),
      { numRuns: 500 },
    );
  });

test('of what the server allows, all is used but a quarter of a second in each of its times', () => {
  for (const [period, share] of [
    [1_000, 0.8],
    [60_000, 0.99],
  ] as const) {
    const sent = sendTimes({ count: 5, period }, Array(501).fill(0));
    assert.ok(500 / ((sent.at(-1) ?? 0) / period) >= 5 * share, `${period}`);
  }
});

test('a limit below one in its time is one in a longer time', () => {
  assert.deepEqual(sendTimes({ count: 0.5, period: 1_000 }, [0, 0, 0]), [0, 2_250, 4_500]);
});
