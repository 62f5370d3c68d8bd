import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observable, type Subscriber } from 'rxjs';
import { pipelineMetrics } from '../../../src/actors/pipeline/metrics.ts';
import { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import type { PipelineOptions } from '../../../src/actors/pipeline/pipeline-options.ts';
import { Batch } from '../../../src/core/batch.ts';
import { asTidegateError, TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import type { StatefulOperator } from '../../../src/core/stateful-operator.ts';
import { window } from '../../../src/pipelines/operators/window/window.ts';
import { StatefulStage } from '../../../src/pipelines/state/stateful-stage.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING, type Tracing } from '../../../src/telemetry/tracing.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { fakeContext, HandSink } from '../pipelines/parts.ts';
import { keptLogger, turn } from './rig.ts';

/** A source and a sink that remember their orders; the sink settles nothing by itself. */
function ends() {
  const orders: string[] = [];
  const order = (text: string) => async () => {
    orders.push(text);
  };
  let subscriber: Subscriber<Batch> | undefined;
  const source = {
    batches$: new Observable<Batch>((to) => {
      subscriber = to;
    }),
    open: order('source open'),
    pause: () => {
      orders.push('pause');
    },
    resume: () => {
      orders.push('resume');
    },
    close: order('source close'),
  };
  const written: Batch[] = [];
  const sink = Object.assign(new HandSink(), {
    open: order('sink open'),
    write: (batch: Batch) => {
      written.push(batch);
    },
    close: order('sink close'),
  });
  sink.idle = true;
  const emit = (...messages: Message[]) => subscriber?.next(new Batch(messages));
  const fail = (text: string) => subscriber?.error(new Error(text));
  const end = () => subscriber?.complete();
  const all = () => written.flatMap(({ messages }) => messages);
  return { source, sink, orders, written, emit, fail, end, all };
}

function setUp(changes: Partial<PipelineOptions> = {}) {
  const parts = ends();
  const clock = new HandClock();
  const kept = keptLogger();
  const stats = createStats();
  const pipeline = new Pipeline({
    name: 'p',
    source: parts.source,
    sink: parts.sink,
    stages: [],
    batch: { count: 100, bytes: 1_000_000, period: 10_000 },
    inFlight: { messages: 4, bytes: 1_000_000 },
    retries: 2,
    backoff: { initial: 100, max: 1_000 },
    failurePolicy: () => false,
    stopsOnFailure: false,
    clock,
    logger: kept.logger,
    tracing: NO_TRACING,
    metrics: pipelineMetrics(stats, 'p'),
    ...changes,
  });
  const start = async () => {
    pipeline.start();
    await turn();
    parts.orders.length = 0;
  };
  const state = () => JSON.stringify(pipeline.actor.getSnapshot().value).replaceAll('"', '');
  const figure = (name: Parameters<typeof stats.counter>[0], labels = {}) =>
    stats.counter(name, { pipeline: 'p', ...labels }).value;
  const closedFor = () => {
    const family = stats.snapshot().find(({ name }) => name === 'tidegate_pipeline_gate_closed_seconds_total');
    return family?.kind === 'counter' ? family.points[0]?.value : undefined;
  };
  return { pipeline, clock, state, start, figure, closedFor, settled: new SettleLog(), ...parts, ...kept };
}

test('a pipeline opens its sink before its source, and carries batches between them', async () => {
  const { pipeline, orders, state, emit, all, settled, figure } = setUp();
  assert.match(pipeline.notReadyReason ?? '', /is starting/);
  pipeline.start();
  assert.equal(state(), 'opening');
  await turn();
  assert.deepEqual([orders, state()], [['sink open', 'source open'], '{running:flowing}']);
  assert.equal(pipeline.notReadyReason, undefined);
  emit(...settled.messages(2));
  assert.deepEqual(
    all().map(({ text }) => text),
    ['0', '1'],
  );
  for (const message of all()) message.ack();
  assert.deepEqual([settled.outcomes, pipeline.isEmpty], [['ack', 'ack'], true]);
  assert.deepEqual([figure('tidegate_pipeline_received_total'), figure('tidegate_pipeline_sent_total')], [2, 2]);
});

test('nothing is opened before all processors are ready, and a stop does not wait for them', async () => {
  const ready: (() => void)[] = [];
  const waiting = { process: (message: Message) => message, open: () => new Promise<void>((done) => ready.push(done)) };
  const { pipeline, orders, state } = setUp({ stages: [{ processors: [waiting] }] });
  pipeline.start();
  await turn();
  assert.deepEqual([orders, state()], [[], 'opening']);
  ready[0]?.();
  await turn();
  assert.deepEqual([orders, state()], [['sink open', 'source open'], '{running:flowing}']);

  const other = setUp({ stages: [{ processors: [waiting] }] });
  other.pipeline.start();
  await other.pipeline.drained();
  ready[1]?.();
  await turn();
  assert.deepEqual(
    other.orders.filter((order) => order.endsWith('open')),
    [],
  );
});

test('a message that a processor ends counts as received, as filtered, and as done with', async () => {
  const onlyOdd = { process: (message: Message) => (Number(message.text) % 2 === 0 ? null : message) };
  const { start, emit, all, settled, figure } = setUp({ stages: [{ processors: [onlyOdd] }] });
  await start();
  emit(...settled.messages(3));
  for (const message of all()) message.ack();
  const counts = (['received', 'filtered', 'sent'] as const).map((what) => figure(`tidegate_pipeline_${what}_total`));
  assert.deepEqual(counts, [3, 2, 3]);
});

test('a gate that shuts pauses the source, one that opens resumes it', async () => {
  const { start, orders, state, emit, all, settled, closedFor } = setUp();
  await start();
  emit(...settled.messages(3));
  assert.deepEqual(orders, []);
  assert.equal(closedFor(), 0);
  emit(settled.message('d', { token: 3 }));
  assert.deepEqual([orders, state()], [['pause'], '{running:congested}']);
  await turn();
  assert.ok((closedFor() ?? 0) > 0);
  all()[0]?.ack();
  all()[1]?.ack();
  assert.deepEqual([orders, state()], [['pause', 'resume'], '{running:flowing}']);
  const closed = closedFor();
  await turn();
  assert.equal(closedFor(), closed);
});

test('a source that fills the gate before it says that it is open is paused as soon as it does', async () => {
  const { pipeline, source, orders, state, emit, all, settled } = setUp();
  source.open = async () => {
    emit(...settled.messages(5));
  };
  pipeline.start();
  await turn();
  assert.deepEqual([orders, state()], [['sink open', 'pause'], '{running:congested}']);
  for (const message of all()) message.ack();
  assert.deepEqual(orders.at(-1), 'resume');
});

test('a flow that breaks nacks what it holds, closes its ends, and starts again after a pause', async () => {
  const { pipeline, start, clock, orders, state, emit, fail, settled, sink, errors, figure, all } = setUp();
  await start();
  emit(...settled.messages(2));
  sink.idle = false;
  emit(settled.message('open', { token: 2 }));
  fail('connection lost');
  assert.equal(state(), 'waiting');
  assert.deepEqual(
    [settled.notOnce(3), settled.outcomes[0], pipeline.inFlight.gate.messages],
    [[], 'TG_FLOW_FAILED', 0],
  );
  assert.match(pipeline.notReadyReason ?? '', /connection lost/);
  assert.match(errors().join(), /the pipeline p broke and starts again in \d+ ms: connection lost/);
  await turn();
  assert.deepEqual(orders, ['source close', 'sink close']);
  clock.advance(200);
  await turn();
  assert.deepEqual(orders.slice(2), ['sink open', 'source open']);
  assert.deepEqual([state(), pipeline.notReadyReason], ['{running:flowing}', undefined]);
  assert.equal(figure('tidegate_pipeline_restarts_total'), 1);
  sink.idle = true;
  emit(settled.message('again', { token: 3 }));
  for (const message of all()) message.ack();
  assert.deepEqual([settled.byToken.get(3), settled.notOnce(4)], [['ack'], []]);
});

test('a source that ends is started again as well', async () => {
  const { start, state, end, errors } = setUp();
  await start();
  end();
  assert.equal(state(), 'waiting');
  assert.match(errors().join(), /its source ended/);
});

test('a source or sink that cannot be opened is tried again with longer and longer pauses', async () => {
  const { pipeline, source, clock, state, figure } = setUp();
  let tries = 0;
  source.open = async () => {
    tries += 1;
    if (tries < 6) throw new Error('refused');
  };
  pipeline.start();
  await turn();
  assert.equal(state(), 'waiting');
  assert.match(pipeline.notReadyReason ?? '', /refused/);
  for (const longest of [200, 400, 800, 1_600, 3_200]) {
    clock.advance(longest / 2 - 1);
    await turn();
    assert.equal(state(), 'waiting');
    clock.advance(longest / 2 + 1);
    await turn();
  }
  assert.deepEqual([tries, state(), figure('tidegate_pipeline_restarts_total')], [6, '{running:flowing}', 5]);
});

test('a pipeline does not open its ends again before they are closed', async () => {
  const { start, source, clock, orders, fail, state } = setUp();
  await start();
  let release = () => {};
  source.close = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  fail('lost');
  clock.advance(200);
  await turn();
  assert.deepEqual([orders.includes('sink open'), state()], [false, 'opening']);
  release();
  await turn();
  assert.equal(state(), '{running:flowing}');
});

test('what a try to open still says after the pipeline broke is not taken for the next try', async () => {
  const { pipeline, source, fail, state, clock } = setUp();
  const opens: (() => void)[] = [];
  source.open = () =>
    new Promise<void>((resolve) => {
      opens.push(resolve);
    });
  pipeline.start();
  await turn();
  fail('lost');
  clock.advance(200);
  await turn();
  assert.deepEqual([opens.length, state()], [2, 'opening']);
  opens[0]?.();
  await turn();
  assert.equal(state(), 'opening');
  opens[1]?.();
  await turn();
  assert.equal(state(), '{running:flowing}');
});

for (const end of ['sink.write', 'source.pause', 'source.resume', 'source.close', 'sink.close'] as const) {
  test(`a plugin whose ${end} throws breaks its pipeline, which starts again`, async () => {
    const { start, source, sink, clock, state, emit, all, settled, fail } = setUp();
    await start();
    const bug = () => {
      throw new Error('plugin bug');
    };
    if (end === 'sink.write') sink.write = bug;
    else if (end === 'source.pause') source.pause = bug;
    else if (end === 'source.resume') source.resume = bug;
    else if (end === 'source.close') source.close = bug;
    else sink.close = bug;
    emit(...settled.messages(5));
    for (const message of all()) message.ack();
    if (end.endsWith('close')) fail('lost');
    assert.equal(state(), 'waiting');
    assert.deepEqual(settled.notOnce(5), []);
    await turn();
    clock.advance(200);
    await turn();
    assert.equal(state(), '{running:flowing}');
  });
}

test('an operator that throws breaks the flow, not the process', async () => {
  const operator = {
    place: 'processors[0].flow',
    apply: (batches$: Observable<Batch>) =>
      new Observable<Batch>((to) =>
        batches$.subscribe(() => {
          to.error(new Error('operator bug'));
        }),
      ),
  };
  const { start, state, emit, settled } = setUp({ stages: [{ operator }] });
  await start();
  emit(...settled.messages(1));
  assert.deepEqual([state(), settled.outcomes], ['waiting', ['TG_FLOW_FAILED']]);
});

test('messages that fail for good are one log line, which names the newest and where it was thrown', async () => {
  const { start, clock, emit, all, settled, warnings, lines } = setUp();
  await start();
  emit(...settled.messages(5));
  const fail = (at: number, why: string) => all()[at]?.nack(asTidegateError(new Error(why), 'TG_PROCESSOR_FAILED'));
  fail(0, 'first');
  fail(1, 'second');
  fail(2, 'third');
  assert.deepEqual(warnings(), ['a message failed for good: first']);
  assert.match(JSON.stringify(lines), /pipeline\.test/);
  clock.advance(10_000);
  fail(3, 'fourth');
  assert.deepEqual(warnings().slice(1), [
    'a message failed for good: fourth, the newest of 3 since the last such line',
  ]);
  clock.advance(20_000);
  all()[4]?.nack(new TidegateError('TG_STOPPING', 'says nothing about the message'));
  assert.equal(warnings().length, 2);
});

test('a record that must not be skipped stops the pipeline and names its offset', async () => {
  const { pipeline, start, state, emit, all, settled, orders, errors, figure } = setUp({ stopsOnFailure: true });
  await start();
  const record = settled.message('poison', { token: 0, topic: 'orders', partition: 2, offset: 41 });
  emit(record, settled.message('behind', { token: 1 }));
  all()[0]?.nack(new TidegateError('TG_MESSAGE_INVALID', 'no price'));
  assert.equal(state(), 'failed');
  assert.match(pipeline.notReadyReason ?? '', /record orders\/2\/41 cannot be processed: no price/);
  assert.match(errors().join(), /the pipeline p has FAILED: record orders\/2\/41/);
  assert.deepEqual(settled.byToken.get(1), ['TG_FLOW_FAILED']);
  await turn();
  assert.deepEqual(orders, ['source close', 'sink close']);
  assert.equal(figure('tidegate_pipeline_failed_total', { code: 'TG_MESSAGE_INVALID' }), 1);
  await pipeline.drained();
});

/** Records of one partition, by their text. */
const records = (settled: SettleLog, ...texts: string[]) =>
  texts.map((text, token) => settled.message(text, { token, topic: 'orders', partition: 0, offset: token }));

const refusesBad = {
  process: (message: Message) => {
    if (message.text === 'bad') throw new TidegateError('TG_MESSAGE_INVALID', 'no price');
    return message;
  },
};

test('records before one that stops the pipeline are delivered and settled first, those behind are not', async () => {
  const stages = [{ processors: [refusesBad] }];
  const inFlight = { messages: 100, bytes: 1_000_000 };
  const { pipeline, start, state, emit, all, settled, orders, errors } = setUp({
    stopsOnFailure: true,
    stages,
    inFlight,
  });
  await start();
  emit(...records(settled, 'good', 'fine', 'bad', 'behind'));
  assert.deepEqual(
    all().map(({ text }) => text),
    ['good', 'fine'],
  );
  assert.equal(state(), 'halting');
  assert.match(pipeline.notReadyReason ?? '', /record orders\/0\/2 cannot be processed: no price/);
  assert.deepEqual([orders, errors()], [['pause'], []]);
  // What was fetched already still comes.
  emit(settled.message('later', { token: 4 }));
  assert.deepEqual(settled.byToken.get(4), ['TG_FLOW_FAILED']);
  for (const message of all()) message.ack();
  assert.equal(state(), 'failed');
  assert.match(errors().join(), /has FAILED: record orders\/0\/2/);
  await turn();
  assert.deepEqual(orders, ['pause', 'source close', 'sink close']);
  assert.deepEqual(
    [...settled.byToken].sort(([a], [b]) => a - b).map(([, outcomes]) => outcomes[0]),
    ['ack', 'ack', 'TG_MESSAGE_INVALID', 'TG_FLOW_FAILED', 'TG_FLOW_FAILED'],
  );
  assert.equal(all().length, 2);
});

test('what waits to become a batch in front of the failed record is delivered too', async () => {
  const { start, sink, state, emit, all, settled } = setUp({ stopsOnFailure: true });
  await start();
  const [poison, ...others] = records(settled, 'good', 'bad', 'behind').reverse();
  emit(others[1] as Message);
  sink.idle = false;
  emit(others[0] as Message, poison as Message);
  assert.equal(all().length, 1);
  others[0]?.nack(new TidegateError('TG_MESSAGE_INVALID', 'no price'));
  assert.deepEqual([state(), all().length], ['halting', 1]);
  all()[0]?.ack();
  assert.equal(state(), 'failed');
  assert.equal(all().length, 1);
});

test('a record in front that fails too is the one at which the pipeline stops', async () => {
  const stages = [{ processors: [refusesBad] }];
  const { pipeline, start, state, emit, all, settled } = setUp({ stopsOnFailure: true, stages });
  await start();
  emit(...records(settled, 'good', 'refused', 'fine', 'bad'));
  const [good, refused, fine] = all();
  refused?.nack(new TidegateError('TG_RECORD_TOO_LARGE', 'over 1 MiB'));
  assert.deepEqual(settled.byToken.get(2), ['TG_FLOW_FAILED']);
  fine?.ack();
  assert.equal(state(), 'halting');
  good?.ack();
  assert.equal(state(), 'failed');
  assert.match(pipeline.notReadyReason ?? '', /record orders\/0\/1 cannot be processed: over 1 MiB/);
});

test('a record that fails at a processor with on_error: skip is skipped, and the pipeline goes on', async () => {
  const stages = [{ processors: [{ ...refusesBad, place: 'processors[0].x', onError: 'skip' as const }] }];
  const { start, state, emit, all, settled, figure } = setUp({ stopsOnFailure: true, stages });
  await start();
  emit(...records(settled, 'good', 'bad', 'behind'));
  for (const message of all()) message.ack();
  assert.deepEqual([state(), settled.outcomes], ['{running:flowing}', ['ack', 'ack', 'ack']]);
  const failed = figure('tidegate_pipeline_failed_total', { code: 'TG_MESSAGE_INVALID' });
  const counts = (['pipeline_received', 'pipeline_sent', 'messages_skipped'] as const).map((what) =>
    figure(`tidegate_${what}_total`),
  );
  assert.deepEqual([failed, counts], [1, [3, 3, 1]]);
});

test('on_error: fail stops the pipeline at the record, though there is a topic for dead letters', async () => {
  const stages = [{ processors: [{ ...refusesBad, place: 'processors[0].x', onError: 'fail' as const }] }];
  const rescued: Message[] = [];
  const { pipeline, start, state, emit, all, settled } = setUp({
    stopsOnFailure: true,
    stages,
    failurePolicy: (message, failure) => failure.next === 'reject' && rescued.push(message) > 0,
  });
  await start();
  emit(...records(settled, 'good', 'bad', 'behind'));
  for (const message of all()) message.ack();
  assert.deepEqual([state(), rescued], ['failed', []]);
  assert.match(pipeline.notReadyReason ?? '', /record orders\/0\/1 cannot be processed: no price/);
});

test('processors within try and catch are closed with the pipeline', async () => {
  const closed: string[] = [];
  const closing = (name: string) => ({ ...refusesBad, close: () => closed.push(name) });
  const stages = [{ processors: [{ attempt: [closing('try')], rescue: [closing('catch')] }, closing('last')] }];
  const { pipeline, start } = setUp({ stages });
  await start();
  await pipeline.close();
  assert.deepEqual(closed, ['try', 'catch', 'last']);
});

test('the pipeline fails without records in front that are not settled for 10 s', async () => {
  const stages = [{ processors: [refusesBad] }];
  const { clock, start, state, emit, settled } = setUp({ stopsOnFailure: true, stages });
  await start();
  emit(...records(settled, 'good', 'bad'));
  clock.advance(9_999);
  assert.equal(state(), 'halting');
  clock.advance(1);
  assert.equal(state(), 'failed');
  assert.deepEqual(settled.byToken.get(0), ['TG_FLOW_FAILED']);
});

test('a pipeline that breaks, or is to drain, while it waits for records in front of the failed one, ends', async () => {
  const stages = [{ processors: [refusesBad] }];
  const breaking = setUp({ stopsOnFailure: true, stages });
  await breaking.start();
  breaking.emit(...records(breaking.settled, 'good', 'bad'));
  breaking.fail('its source is gone');
  assert.equal(breaking.state(), 'failed');
  assert.match(breaking.pipeline.notReadyReason ?? '', /record orders\/0\/1 cannot be processed/);

  const draining = setUp({ stopsOnFailure: true, stages });
  await draining.start();
  draining.emit(...records(draining.settled, 'good', 'bad'));
  const drained = draining.pipeline.drained();
  assert.equal(draining.state(), 'draining');
  draining.all()[0]?.ack();
  await drained;
});

test('records in front of a failed one are delivered where a processor takes its time', async () => {
  const slow = { process: async (message: Message) => refusesBad.process(message) };
  const { start, state, emit, all, settled } = setUp({ stopsOnFailure: true, stages: [{ processors: [slow] }] });
  await start();
  emit(...records(settled, 'good', 'bad', 'behind'));
  await turn();
  assert.deepEqual([state(), all().map(({ text }) => text)], ['halting', ['good']]);
  all()[0]?.ack();
  assert.equal(state(), 'failed');
});

test('a failure that says nothing about the record stops no pipeline', async () => {
  const { start, state, emit, all, settled } = setUp({ stopsOnFailure: true });
  await start();
  emit(...settled.messages(1));
  all()[0]?.nack(new TidegateError('TG_STOPPING', 'later'));
  assert.equal(state(), '{running:flowing}');
});

test('a message that a dead letter took over stops no pipeline', async () => {
  const rescue = (message: Message) => {
    message.derive({ payload: Buffer.from('letter') });
    return true;
  };
  const { start, state, emit, all, settled } = setUp({ stopsOnFailure: true, failurePolicy: rescue });
  await start();
  emit(...settled.messages(1));
  all()[0]?.nack(new TidegateError('TG_MESSAGE_INVALID', 'no'));
  assert.deepEqual([state(), settled.outcomes], ['{running:flowing}', []]);
});

test('draining pauses the source, flushes what is open, and waits for what is in flight', async () => {
  const { pipeline, start, sink, state, emit, all, settled, orders } = setUp();
  await start();
  sink.idle = false;
  emit(...settled.messages(2));
  assert.equal(all().length, 0);
  let isOver = false;
  const drained = pipeline.drained().then(() => {
    isOver = true;
  });
  assert.deepEqual([orders, all().length, state()], [['pause'], 2, 'draining']);
  all()[0]?.ack();
  await turn();
  assert.equal(isOver, false);
  all()[1]?.ack();
  await drained;
  assert.deepEqual([state(), settled.outcomes], ['drained', ['ack', 'ack']]);
});

test('a source that needs a moment to hand over what it has read is waited for', async () => {
  const { source, sink, pipeline, start, state, emit, all, settled } = setUp();
  let handedOver = () => {};
  Object.assign(source, {
    drain: () =>
      new Promise<void>((resolve) => {
        handedOver = resolve;
      }),
  });
  await start();
  sink.idle = false;
  const drained = pipeline.drained();
  await turn();
  assert.equal(state(), 'draining');
  emit(...settled.messages(2));
  handedOver();
  await turn();
  assert.deepEqual([all().length, state()], [2, 'draining']);
  for (const message of all()) message.ack();
  await drained;
  assert.deepEqual([state(), settled.outcomes], ['drained', ['ack', 'ack']]);
});

test('the end of the source while the pipeline drains does not give up what is in flight', async () => {
  const { pipeline, start, emit, end, all, settled, state } = setUp();
  await start();
  emit(...settled.messages(1));
  const drained = pipeline.drained();
  end();
  assert.deepEqual([state(), settled.outcomes], ['draining', []]);
  all()[0]?.ack();
  await drained;
  assert.deepEqual(settled.outcomes, ['ack']);
});

test('a flow that breaks while the pipeline drains nacks what it holds and is over', async () => {
  const { pipeline, start, emit, fail, settled, state, clock } = setUp();
  await start();
  emit(...settled.messages(1));
  const drained = pipeline.drained();
  fail('lost');
  await drained;
  assert.deepEqual([state(), settled.outcomes, clock.pending], ['drained', ['TG_STOPPING'], 0]);
});

for (const [when, prepare] of [
  ['never started', () => {}],
  ['waits for another try', (fail: () => void) => fail()],
] as const) {
  test(`a pipeline that ${when} is drained at once`, async () => {
    const { pipeline, start, fail, state } = setUp();
    if (when !== 'never started') await start();
    prepare(() => fail('lost'));
    await pipeline.drained();
    assert.equal(state(), 'drained');
  });
}

test('a pipeline that is drained while it opens does not open its source any more', async () => {
  const { pipeline, sink, orders, state } = setUp();
  let opened = () => {};
  sink.open = () =>
    new Promise<void>((resolve) => {
      opened = resolve;
    });
  pipeline.start();
  await turn();
  await pipeline.drained();
  opened();
  await turn();
  assert.deepEqual([orders, state()], [['pause'], 'drained']);
});

test('close nacks what is left, closes processors and ends, each once', async () => {
  const closed: string[] = [];
  const processor = { process: (message: Message) => message, close: () => closed.push('processor') };
  const { pipeline, start, emit, settled, orders } = setUp({ stages: [{ processors: [processor] }] });
  await start();
  emit(...settled.messages(1));
  await pipeline.close();
  await pipeline.close();
  assert.deepEqual(settled.outcomes, ['TG_STOPPING']);
  assert.deepEqual(orders, ['source close', 'sink close']);
  assert.deepEqual(closed, ['processor', 'processor']);
});

test('a processor that is busy is tried again after back-off', async () => {
  let failures = 1;
  const process = (message: Message) => {
    if (failures-- > 0) throw new TidegateError('TG_PROCESSOR_BUSY', 'not now');
    return message;
  };
  const { start, clock, emit, all, settled, figure, lines } = setUp({ stages: [{ processors: [{ process }] }] });
  await start();
  emit(...settled.messages(1));
  clock.advance(49);
  await turn();
  assert.equal(all().length, 0);
  clock.advance(51);
  await turn();
  assert.equal(all().length, 1);
  assert.equal(figure('tidegate_pipeline_retries_total'), 1);
  const told = lines.filter(({ text }) => text === 'a message is tried again: not now');
  assert.deepEqual(
    told.map(({ facts }) => facts),
    [{ code: 'TG_PROCESSOR_BUSY' }],
  );
});

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A message of a client that is traced, and stored in the log. */
function tracedRecord(token: number, settled: SettleLog): Message {
  return new Message(Buffer.from('{}'), {
    target: settled,
    token,
    meta: { client_id: 'client-1' },
    trace: { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` },
    ...{ topic: 'orders', partition: 2, offset: 41 },
  });
}

const PLACE = { client_id: 'client-1', topic: 'orders', partition: 2, offset: 41, trace_id: TRACE_ID };

test('the line of a message that failed for good says which one, whose, and by which trace it is found', async () => {
  const { start, emit, all, settled, lines } = setUp();
  await start();
  emit(tracedRecord(1, settled));
  all()[0]?.nack(new TidegateError('TG_PROCESSOR_FAILED', 'no such field'));
  const [line] = lines.filter(({ text }) => text.startsWith('a message failed'));
  assert.deepEqual({ ...PLACE, ...line?.facts }, line?.facts);
});

test('the line of a pipeline that a record has stopped says which one', async () => {
  const { start, emit, all, settled, lines } = setUp({ stopsOnFailure: true });
  await start();
  emit(tracedRecord(1, settled));
  all()[0]?.nack(new TidegateError('TG_PROCESSOR_FAILED', 'no such field'));
  const [line] = lines.filter(({ text }) => text.includes('has FAILED'));
  assert.deepEqual({ ...PLACE, code: 'TG_PROCESSOR_FAILED', ...line?.facts }, line?.facts);
});

test('a failure in a processor is recorded in the trace while its step is open, also for a dead letter', async () => {
  for (const isRescued of [false, true]) {
    const told: string[] = [];
    const tracing: Tracing = {
      ...NO_TRACING,
      processing: () => ({ end: () => told.push('end') }),
      failed: (_, { code }) => told.push(code),
    };
    const process = () => {
      throw new TidegateError('TG_MESSAGE_INVALID', 'no');
    };
    const { start, emit, settled } = setUp({
      tracing,
      stages: [{ processors: [{ process }] }],
      failurePolicy: () => isRescued,
    });
    await start();
    emit(tracedRecord(1, settled));
    await turn();
    assert.deepEqual(told, ['TG_MESSAGE_INVALID', 'end']);
  }
});

test('a record that is read again to rebuild state is not counted, and its failure has no effect', async () => {
  const fails = {
    process: (message: Message) => {
      if (message.text === 'filtered') return null;
      throw new TidegateError('TG_MESSAGE_INVALID', 'no');
    },
  };
  const deadLetters: Message[] = [];
  const { start, state, emit, figure, settled, warnings } = setUp({
    stopsOnFailure: true,
    stages: [{ processors: [fails] }],
    failurePolicy: (message) => deadLetters.push(message) > 0,
  });
  await start();
  const again = ['bad', 'filtered'].map((text) => settled.message(text));
  for (const message of again) message.isReplayed = true;
  emit(...again, settled.message('filtered'));
  assert.deepEqual([state(), deadLetters, warnings()], ['{running:flowing}', [], []]);
  const names = ['received', 'sent', 'filtered'] as const;
  assert.deepEqual(
    names.map((name) => figure(`tidegate_pipeline_${name}_total`)),
    [1, 1, 1],
  );
});

test('results of a window wait for room among the messages in flight', async () => {
  const config = window.config.parse({ tumbling: '10s', aggregate: { n: 'count' } });
  const stage = new StatefulStage(window.create(config, fakeContext().context) as StatefulOperator, new HandClock());
  const { start, emit, all, settled } = setUp({ stages: [{ stateful: stage }] });
  stage.assigned({ topic: 't', partition: 0 }, 0, undefined);
  await start();
  stage.assigned({ topic: 't', partition: 0 }, 0, undefined);
  const at = (offset: number, key: string, timestamp: number) =>
    settled.message('{}', { topic: 't', partition: 0, offset, key, timestamp });
  // Their gate is shut by four messages, and opens at two. A result for each of 300 keys is in two batches.
  for (let offset = 0; offset < 300; offset += 1) emit(at(offset, `k${offset}`, 1_000));
  emit(at(300, 'last', 20_000));
  assert.equal(all().length, 256);
  for (const message of all().slice(0, 253)) message.ack();
  assert.equal(all().length, 256);
  for (const message of all().slice(253, 255)) message.ack();
  assert.equal(all().length, 300);
  assert.equal(settled.outcomes.length, 301);
});

test('what is in flight when a pipeline is closed can be seen before it is nacked', async () => {
  const seen: string[] = [];
  const rig = setUp({ breaking: () => seen.push([...rig.pipeline.inFlight.messages].map(({ text }) => text).join()) });
  await rig.start();
  rig.emit(...records(rig.settled, 'a', 'b'));
  await rig.pipeline.close();
  assert.deepEqual(seen, ['a,b']);
});
