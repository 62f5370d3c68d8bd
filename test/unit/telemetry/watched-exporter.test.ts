import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../../../src/core/clock.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { WatchedExporter } from '../../../src/telemetry/watched-exporter.ts';

const SPAN = {} as ReadableSpan;

function setUp() {
  let now = 0;
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    after: (_milliseconds, callback) => {
      timers.push(callback);
      return () => {
        const at = timers.indexOf(callback);
        if (at >= 0) timers.splice(at, 1);
      };
    },
  };
  const said: [string, object][] = [];
  const say = (level: string) => (facts: object) => {
    said.push([level, facts]);
  };
  const logger: Logger = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => logger,
  };
  const state = { answer: 'succeed' as 'succeed' | 'fail' | 'hang', made: 0, closed: 0, tried: 0 };
  const create = (): SpanExporter => {
    state.made += 1;
    return {
      export(_spans, done) {
        state.tried += 1;
        if (state.answer === 'succeed') done({ code: 0 });
        if (state.answer === 'fail') done({ code: 1, error: new Error('refused') });
      },
      shutdown: async () => {
        state.closed += 1;
      },
    };
  };
  const exporter = new WatchedExporter({
    create,
    endpoint: 'http://collector',
    timeout: 1_500,
    pause: 10_000,
    logger,
    clock,
  });
  const codes: number[] = [];
  return {
    state,
    said,
    codes,
    timers,
    send: (count: number) => exporter.export(Array(count).fill(SPAN), ({ code }) => codes.push(code)),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

test('a failure is logged once, spans are dropped for a while, and recovery is logged with their number', () => {
  const { state, said, codes, send, pass } = setUp();
  send(1);
  state.answer = 'fail';
  send(2);
  send(3);
  assert.equal(state.tried, 2);
  pass(10_000);
  send(4);
  assert.equal(state.tried, 3);
  state.answer = 'succeed';
  pass(10_000);
  send(5);
  assert.deepEqual(codes, [0, 1, 1, 1, 0]);
  assert.deepEqual(said, [
    ['warn', { endpoint: 'http://collector', reason: 'refused' }],
    ['info', { endpoint: 'http://collector', lost: 9 }],
  ]);
});

test('an exporter that hangs is closed and replaced, and its late answer counts no more', () => {
  const { state, said, codes, timers, send } = setUp();
  state.answer = 'hang';
  send(1);
  assert.deepEqual(codes, []);
  timers[0]?.();
  assert.deepEqual(codes, [1]);
  assert.deepEqual([state.made, state.closed], [2, 1]);
  assert.deepEqual(said, [['warn', { endpoint: 'http://collector', reason: 'no answer within 1500 ms' }]]);
});

test('an export that is answered leaves no timer behind', () => {
  const { timers, send } = setUp();
  send(1);
  assert.deepEqual(timers, []);
});

test('each recovery is logged with the lost spans of its own outage alone', () => {
  const { state, said, send, pass } = setUp();
  for (const lost of [3, 2]) {
    state.answer = 'fail';
    send(lost);
    state.answer = 'succeed';
    pass(10_000);
    send(1);
    assert.deepEqual(said.at(-1), ['info', { endpoint: 'http://collector', lost }]);
  }
});
