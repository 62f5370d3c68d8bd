import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import type { Processor } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { allHeaders, lastHeader } from '../../../src/core/headers.ts';
import type { Message } from '../../../src/core/message.ts';
import { type ProcessingOptions, processing } from '../../../src/pipelines/processing.ts';
import type { ProcessorFailure } from '../../../src/pipelines/processor-failure.ts';
import { ProcessorMetrics } from '../../../src/pipelines/processor-metrics.ts';
import type { ProcessorStep, Step } from '../../../src/pipelines/step.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, settled, texts } from './parts.ts';

const invalid = (text = 'bad') => new TidegateError('TG_MESSAGE_INVALID', text);

/** A step that does that to messages whose text has the word, and adds its mark to the others. */
const marking = (mark: string, place = mark): ProcessorStep => ({
  place,
  process: (message) => message.derive({ payload: Buffer.from(`${message.text}${mark}`) }),
});
const failing = (word: string, place = `fail ${word}`, error: () => unknown = invalid): ProcessorStep => ({
  place,
  process: (message) => {
    if (message.text.includes(word)) throw error();
    return message;
  },
});
const later = (step: ProcessorStep): ProcessorStep => ({
  ...step,
  process: async (message) => step.process(message),
});
const letters: Processor['process'] = (message) =>
  message.split([...message.text].map((letter) => ({ payload: Buffer.from(letter) })));

function setUp(steps: readonly Step[], changes: Partial<ProcessingOptions> = {}) {
  const { counts, options } = countingOptions(changes);
  const log = new SettleLog();
  const source = new Subject<Batch>();
  const out: Message[] = [];
  const failures: TidegateError[] = [];
  source.pipe(processing(steps, options)).subscribe((batch) => out.push(...batch.messages));
  const send = async (...all: string[]) => {
    const messages = all.map((text, token) => log.message(text, { token }));
    for (const message of messages)
      message.tracker = {
        takeOver: (_, failure) => {
          failures.push(failure);
          return false;
        },
        settled() {},
      };
    source.next(batchOf(...messages));
    await settled();
    return messages;
  };
  return { send, log, out, failures, counts };
}

for (const [kind, as] of [
  ['at once', (step: ProcessorStep) => step],
  ['by promises', later],
] as const) {
  test(`a message that fails in try goes through catch as it came, ${kind}; the others do not`, async () => {
    const attempt = [as(marking('1')), as(failing('b1', 'processors[0].try[1].x')), as(marking('2'))];
    const { send, out, log } = setUp([{ attempt, rescue: [as(marking('c'))] }, as(marking('!'))]);
    await send('a', 'b', 'd');
    assert.deepEqual(texts(out), ['a12!', 'bc!', 'd12!']);
    assert.deepEqual(out[1]?.headers, [
      ['tidegate-error-code', 'TG_MESSAGE_INVALID'],
      ['tidegate-error-message', 'bad'],
      ['tidegate-error-processor', 'processors[0].try[1].x'],
    ]);
    assert.deepEqual(out[0]?.headers, []);
    for (const message of out) message.ack();
    assert.deepEqual(log.notOnce(3), []);
  });
}

test('without a catch the message goes on as it came, with what went wrong in its headers', async () => {
  const { send, out } = setUp([{ attempt: [marking('1'), failing('a')], rescue: [] }]);
  const [message] = await send('a');
  assert.deepEqual(texts(out), ['a']);
  assert.equal(lastHeader(out[0]?.headers ?? [], 'tidegate-error-processor'), 'fail a');
  out[0]?.ack();
  assert.equal(message?.isSettled, true);
});

test('of a message that try splits nothing goes on where one part fails', async () => {
  const { send, out, log } = setUp([
    { attempt: [{ process: letters }, failing('b')], rescue: [marking('?')] },
    marking('!'),
  ]);
  await send('abc', 'ad');
  assert.deepEqual(texts(out), ['abc?!', 'a!', 'd!']);
  for (const message of out) message.ack();
  assert.deepEqual(log.notOnce(2), []);
});

test('what fails in catch fails the message, with the place in catch', async () => {
  const { send, out, log, failures } = setUp([{ attempt: [failing('a', 'one')], rescue: [failing('a', 'two')] }]);
  await send('a', 'b');
  assert.deepEqual(texts(out), ['b']);
  assert.deepEqual([...log.byToken], [[0, ['TG_MESSAGE_INVALID']]]);
  assert.equal((failures[0] as ProcessorFailure).place, 'two');
});

test('a try within a try: the outer catch gets what fails in the inner catch', async () => {
  const inner: Step = { attempt: [failing('a', 'one')], rescue: [failing('aa', 'two'), marking('i')] };
  const { send, out } = setUp([{ attempt: [inner], rescue: [marking('o')] }]);
  await send('a', 'aa', 'b');
  assert.deepEqual(texts(out), ['ai', 'aao', 'b']);
  assert.deepEqual(allHeaders(out[1]?.headers ?? [], 'tidegate-error-processor'), ['two']);
});

test('a passing failure is tried again within try, and goes to catch once the retries are used up', async () => {
  const busy = () => new TidegateError('TG_PROCESSOR_BUSY', 'not now');
  const { send, out, counts } = setUp([{ attempt: [failing('a', 'slow', busy)], rescue: [marking('c')] }], {
    retries: 2,
  });
  await send('a');
  assert.deepEqual([texts(out), counts.pauses], [['ac'], [1, 2]]);
  assert.equal(lastHeader(out[0]?.headers ?? [], 'tidegate-error-code'), 'TG_PROCESSOR_FAILED');
});

test('a failure that says nothing about the message is none of catch', async () => {
  const away = () => new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  const { send, out, log } = setUp([{ attempt: [failing('a', 'far', away)], rescue: [marking('c')] }]);
  await send('a');
  assert.deepEqual([texts(out), log.outcomes], [[], ['TG_LOG_UNAVAILABLE']]);
});

test('on_error: skip ends the message, which counts as skipped and is acked; also within try', async () => {
  const skipping: ProcessorStep = { ...failing('b'), onError: 'skip' };
  for (const steps of [[skipping], [{ attempt: [skipping], rescue: [marking('c')] }]]) {
    const { send, out, log, counts, failures } = setUp(steps);
    await send('a', 'b', 'c');
    assert.deepEqual(texts(out), ['a', 'c']);
    assert.deepEqual([...log.byToken], [[1, ['ack']]]);
    assert.deepEqual([counts.skipped, failures], [['TG_MESSAGE_INVALID'], []]);
  }
});

test('on_error: skip leaves a failure alone that says nothing about the message', async () => {
  const away = () => new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  const { send, log, counts } = setUp([{ ...failing('a', 'far', away), onError: 'skip' }]);
  await send('a');
  assert.deepEqual([log.outcomes, counts.skipped], [['TG_LOG_UNAVAILABLE'], []]);
});

test('on_error: skip of one part lets the others of its message go on', async () => {
  const { send, out, log } = setUp([{ process: letters }, { ...failing('b'), onError: 'skip' }]);
  await send('abc');
  assert.deepEqual(texts(out), ['a', 'c']);
  for (const message of out) message.ack();
  assert.deepEqual([...log.byToken], [[0, ['ack']]]);
});

test('on_error: fail and dead_letter are for the pipeline, past a catch; fail asks for no rescue', async () => {
  for (const onError of ['fail', 'dead_letter'] as const) {
    const { send, out, log, failures } = setUp([
      { attempt: [{ ...failing('a', 'here'), onError }], rescue: [marking('c')] },
    ]);
    await send('a');
    assert.deepEqual([texts(out), log.outcomes], [[], ['TG_MESSAGE_INVALID']]);
    const [failure] = failures as ProcessorFailure[];
    assert.deepEqual([failure?.place, failure?.isFinal], ['here', onError === 'fail']);
  }
});

test('on_error of a try is for what fails in its catch', async () => {
  const { send, log, counts } = setUp([
    { attempt: [failing('a', 'one')], rescue: [failing('a', 'two')], onError: 'skip' },
  ]);
  await send('a');
  assert.deepEqual([log.outcomes, counts.skipped], [['ack'], ['TG_MESSAGE_INVALID']]);
});

test('a message that was given up while try waited goes no further', async () => {
  const gates: (() => void)[] = [];
  const waiting: ProcessorStep = {
    process: () => new Promise((_, reject) => gates.push(() => reject(invalid()))),
  };
  const { send, out, log } = setUp([{ attempt: [waiting], rescue: [marking('c')] }]);
  const [message] = await send('a');
  message?.nack(new TidegateError('TG_STOPPING', 'over'));
  gates[0]?.();
  await settled();
  assert.deepEqual([texts(out), log.outcomes], [[], ['TG_STOPPING']]);
});

test('each step counts what came, went, ended and failed by its place, and times one message in 64', async () => {
  const stats = createStats();
  const counted = (step: ProcessorStep): ProcessorStep => ({
    ...step,
    metrics: new ProcessorMetrics(stats, 'p', step.place ?? ''),
  });
  const { send } = setUp([
    {
      attempt: [counted(failing('b', 'try'))],
      rescue: [counted({ place: 'catch', process: () => null })],
      metrics: new ProcessorMetrics(stats, 'p', 'whole'),
    },
    counted({ place: 'split', process: letters }),
  ]);
  await send('aa', 'b', ...new Array<string>(63).fill('c'));
  const points = new Map<string, number[]>();
  for (const { points: all } of stats.snapshot())
    for (const point of all) {
      const { processor = '' } = point.labels;
      points.set(processor, [...(points.get(processor) ?? []), 'count' in point ? point.count : point.value]);
    }
  // Received, sent, filtered, failed, timed.
  assert.deepEqual(Object.fromEntries(points), {
    try: [65, 64, 0, 1, 2],
    catch: [1, 0, 1, 0, 1],
    whole: [65, 64, 0, 1, 2],
    split: [64, 65, 0, 0, 1],
  });
});
