import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Observable, Subject } from 'rxjs';
import { pipelineMetrics } from '../../../src/actors/pipeline/metrics.ts';
import { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';

/** A pipeline whose ends can give up for good, as those that dial may. */
async function setUp(t: TestContext) {
  const out = new Subject<Batch>();
  const failed = new Subject<TidegateError>();
  const written: Batch[] = [];
  const orders: string[] = [];
  const clock = new HandClock();
  const kept = keptLogger();
  const order = (text: string) => async () => {
    orders.push(text);
  };
  const pipeline = new Pipeline({
    name: 'p',
    source: {
      batches$: out,
      open: order('source open'),
      pause: () => orders.push('pause'),
      resume() {},
      drain: () => void orders.push('drain'),
      close: order('source close'),
    },
    sink: {
      open: order('sink open'),
      write: (batch) => written.push(batch),
      idle: true,
      idle$: new Subject<void>(),
      failed$: failed as Observable<TidegateError>,
      close: order('sink close'),
    },
    stages: [],
    batch: { count: 100, bytes: 1_000_000, period: 10 },
    inFlight: { messages: 100, bytes: 1_000_000 },
    retries: 0,
    backoff: { initial: 1, max: 1 },
    failurePolicy: () => false,
    stopsOnFailure: false,
    clock,
    logger: kept.logger,
    tracing: NO_TRACING,
    metrics: pipelineMetrics(createStats(), 'p'),
  });
  pipeline.start();
  await turn();
  t.after(() => pipeline.close());
  const state = () => JSON.stringify(pipeline.actor.getSnapshot().value).replaceAll('"', '');
  return { pipeline, out, failed, written, orders, clock, state, ...kept };
}

const final = () => new TidegateError('TG_REMOTE_FAILED', 'lost the connection to x');

test('a source that failed for good fails the pipeline, which logs why and does not restart', async (t) => {
  const { pipeline, out, clock, orders, state, errors } = await setUp(t);
  out.error(final());
  assert.equal(state(), 'failed');
  assert.equal(pipeline.notReadyReason, 'the pipeline p: lost the connection to x');
  clock.advance(3_600_000);
  await turn();
  assert.equal(state(), 'failed');
  assert.deepEqual(orders, ['sink open', 'source open', 'source close', 'sink close']);
  assert.match(errors()[0] ?? '', /has FAILED: lost the connection to x/);
});

test('a sink that failed for good fails the pipeline, and messages in flight are nacked', async (t) => {
  const { out, failed, written, state } = await setUp(t);
  const log = new SettleLog();
  out.next(new Batch(log.messages(2)));
  assert.equal(written.length, 1);
  failed.next(final());
  assert.equal(state(), 'failed');
  assert.deepEqual(log.outcomes, ['TG_FLOW_FAILED', 'TG_FLOW_FAILED']);
});

test('a stopping pipeline drains its source and settles what that hands over', async (t) => {
  const { pipeline, out, written, orders, state } = await setUp(t);
  const log = new SettleLog();
  out.next(new Batch(log.messages(1)));
  const drained = pipeline.drained();
  assert.equal(orders.at(-1), 'drain');
  assert.ok(!orders.includes('pause'));
  out.next(new Batch([log.message('handed over', { token: 1 })]));
  for (const batch of written) batch.ack();
  await drained;
  assert.equal(state(), 'drained');
  assert.deepEqual(log.outcomes, ['ack', 'ack']);
});
