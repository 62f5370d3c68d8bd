import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { of, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { Processor, ProcessorCall } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { buildFlow } from '../../../src/pipelines/flow.ts';
import { compileStages } from '../../../src/pipelines/stages.ts';
import { limited } from '../../../src/pipelines/time-limit.ts';
import { defineProcessor, z } from '../../../src/sdk/index.ts';
import { HandClock } from '../core/hand-clock.ts';
import { countingOptions, fakeContext, HandSink, inFlightOf, settled, texts } from './parts.ts';

const TEXT =
  'it was not done with the message within 500 ms; bound what it waits for, or set a longer timeout beside it';

function setUp(process: Processor['process'], timeout = 500) {
  const clock = new HandClock();
  const closing = new AbortController();
  const { context } = fakeContext();
  return { clock, closing, process: limited({ process }, timeout, { ...context, clock, signal: closing.signal }) };
}

test('a promise that never ends is cut by the timeout', async () => {
  const { clock, process } = setUp(() => new Promise(() => {}));
  const result = process(new Message(Buffer.from('a')));
  clock.advance(499);
  await settled();
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await assert.rejects(Promise.resolve(result), { code: 'TG_PROCESSOR_TIMEOUT', next: 'reject', message: TEXT });
});

test('what is done in time, at once or later, comes through and leaves no timer', async () => {
  const atOnce = setUp((message) => message);
  const message = new Message(Buffer.from('a'));
  assert.equal(atOnce.process(message), message);
  assert.equal(atOnce.clock.pending, 0);
  const later = setUp(async () => null);
  assert.equal(await later.process(message), null);
  assert.equal(later.clock.pending, 0);
  const failing = setUp(async () => Promise.reject(new Error('no')));
  await assert.rejects(Promise.resolve(failing.process(message)), /^Error: no$/);
  assert.equal(failing.clock.pending, 0);
});

test('the signal of a message aborts with its time, or with the pipeline, and not afterwards', async () => {
  const signals: AbortSignal[] = [];
  const waiting = (_: Message, call?: ProcessorCall) => {
    if (call !== undefined) signals.push(call.signal);
    return new Promise<null>(() => {});
  };
  const { clock, closing, process } = setUp((message, call) => waiting(message, call));
  const first = process(new Message(Buffer.from('a')));
  clock.advance(500);
  await assert.rejects(Promise.resolve(first));
  assert.equal(signals[0]?.aborted, true);
  assert.equal(signals[0]?.reason.code, 'TG_PROCESSOR_TIMEOUT');
  void Promise.resolve(process(new Message(Buffer.from('b')))).catch(() => {});
  assert.equal(signals[1]?.aborted, false);
  closing.abort();
  assert.equal(signals[1]?.aborted, true);

  let kept: ProcessorCall | undefined;
  const done = setUp(async (message, call) => {
    kept = call;
    return call?.signal.aborted === false ? message : null;
  });
  await done.process(new Message(Buffer.from('c')));
  assert.equal(getEventListeners(done.closing.signal, 'abort').length, 0, 'nothing of a message is left behind');
  done.clock.advance(1_000);
  assert.equal(kept?.signal.aborted, false);
});

test('a signal that is asked for too late is aborted already', async () => {
  let kept: ProcessorCall | undefined;
  const { clock, process } = setUp((_, call) => {
    kept = call;
    return new Promise(() => {});
  });
  const result = process(new Message(Buffer.from('a')));
  clock.advance(500);
  await assert.rejects(Promise.resolve(result));
  assert.equal(kept?.signal.aborted, true);
});

test('a processor that is too late fails its message alone, and what it makes of it then is ignored', async () => {
  const clock = new HandClock();
  const { context } = fakeContext();
  const waiting = new Map<string, (result: Message) => void>();
  const spec = defineProcessor({
    name: 'mine',
    summary: 'Mine.',
    config: z.strictObject({}),
    examples: [],
    create: () => ({
      process: (message) =>
        message.text === 'b' ? message : new Promise((resolve) => waiting.set(message.text, resolve)),
    }),
  });
  const stages = compileStages([{ spec, config: {}, timeout: 500 }], { contextOf: () => ({ ...context, clock }) });
  const { inFlight, told } = inFlightOf();
  const { options } = countingOptions();
  const sink = new HandSink();
  sink.idle = true;
  const parts = { inFlight, batch: { count: 10, bytes: 1e6, period: 0, buffer: 1 }, stages, sink };
  const out: Message[] = [];
  const messages = ['a', 'b'].map((text) => new Message(Buffer.from(text)));
  const flow$ = buildFlow(of(new Batch(messages)), {
    ...parts,
    batch: { ...parts.batch },
    processing: options,
    flush$: new Subject(),
    opened$: new Subject(),
    clock,
  });
  flow$.subscribe((batch) => out.push(...batch.messages));
  await settled();
  clock.advance(500);
  await settled();
  assert.deepEqual(texts(out), ['b']);
  const [failed] = told.settled;
  assert.equal(failed?.[1]?.code, 'TG_PROCESSOR_TIMEOUT');
  assert.equal(failed?.[1]?.message, TEXT);
  const [late] = messages;
  assert.ok(late !== undefined);
  waiting.get('a')?.(late.derive({ json: 'late' }));
  await settled();
  assert.deepEqual(texts(out), ['b']);
  assert.equal(told.settled.length, 1);
  out[0]?.ack();
  assert.equal(told.settled.length, 2);
});

test('a processor of a plugin has 30 s unless its entry says otherwise, and one of ours has no limit', async () => {
  const clock = new HandClock();
  const { context } = fakeContext();
  const spec = defineProcessor({
    name: 'mine',
    summary: 'Mine.',
    config: z.strictObject({}),
    examples: [],
    create: () => ({ process: () => new Promise(() => {}) }),
  });
  const dueOf = (plugin: string | undefined, timeout?: number) => {
    const entry = { spec: plugin === undefined ? spec : { ...spec, plugin }, config: {}, timeout };
    const [stage] = compileStages([entry], { contextOf: () => ({ ...context, clock }) });
    assert.ok(stage !== undefined && 'processors' in stage);
    const [step] = stage.processors;
    assert.ok(step !== undefined && 'process' in step);
    const before = clock.time;
    let failedAt: number | undefined;
    Promise.resolve(step.process(new Message(Buffer.from('a')))).catch(() => {});
    for (let ms = 0; ms < 40 && failedAt === undefined; ms += 1) {
      if (clock.pending === 0) break;
      clock.advance(1_000);
      if (clock.pending === 0) failedAt = clock.time - before;
    }
    return failedAt;
  };
  assert.equal(dueOf('./my.mjs'), 30_000);
  assert.equal(dueOf('./my.mjs', 2_000), 2_000);
  assert.equal(dueOf(undefined), undefined);
  assert.equal(dueOf(undefined, 3_000), 3_000);
});
