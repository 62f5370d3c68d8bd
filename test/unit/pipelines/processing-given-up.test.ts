import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import type { Processor } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { type ProcessingOptions, processing } from '../../../src/pipelines/processing.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, settled, texts } from './parts.ts';

const busy = () => new TidegateError('TG_PROCESSOR_BUSY', 'not now');
const stopping = () => new TidegateError('TG_STOPPING', 'over');

function setUp(processes: Processor['process'][], changes: Partial<ProcessingOptions> = {}) {
  const { counts, options } = countingOptions(changes);
  const log = new SettleLog();
  const source = new Subject<Batch>();
  const out: string[][] = [];
  const processors = processes.map((process) => ({ process }));
  source.pipe(processing(processors, options)).subscribe((batch) => out.push(texts(batch.messages)));
  const messages = (...all: string[]) => all.map((text, token) => log.message(text, { token }));
  return { source, messages, log, out, counts };
}

for (const kind of ['at once', 'by a promise'] as const) {
  test(`a message that is nacked while one in front of it is processed (${kind}) is not processed`, async () => {
    const seen: string[] = [];
    const { source, messages, out } = setUp([
      (message) => {
        seen.push(message.text);
        if (message.text === 'a') all[1]?.nack(stopping());
        return kind === 'at once' ? message : Promise.resolve(message);
      },
    ]);
    const all = messages('a', 'b', 'c');
    source.next(batchOf(...all));
    await settled();
    assert.deepEqual([seen, out], [['a', 'c'], [['a', 'c']]]);
  });
}

test('a message that is given up during the pause is not tried again', async () => {
  let tries = 0;
  const { source, messages, log, counts, out } = setUp([
    () => {
      tries += 1;
      throw busy();
    },
  ]);
  const [message] = messages('a') as [Message];
  source.next(batchOf(message));
  message.nack(stopping());
  await settled();
  assert.deepEqual([tries, counts.pauses, log.outcomes, out], [1, [1], ['TG_STOPPING'], [[]]]);
});

test('what a retry gives goes on with the next processor', async () => {
  let failures = 1;
  const { source, messages, out } = setUp([
    (message) => {
      if (failures-- > 0) throw busy();
      return message;
    },
    (message) => message.derive({ payload: Buffer.from(`${message.text}1`) }),
    (message) => message.derive({ payload: Buffer.from(`${message.text}2`) }),
  ]);
  source.next(batchOf(...messages('a')));
  await settled();
  assert.deepEqual(out, [['a12']]);
});

test('a message that is given up while it is processed begins no retry', async () => {
  let fail: (error: Error) => void = () => {};
  const { source, messages, log, counts, out } = setUp([
    () =>
      new Promise<Message>((_, reject) => {
        fail = reject;
      }),
  ]);
  const [message] = messages('a') as [Message];
  source.next(batchOf(message));
  message.nack(stopping());
  fail(busy());
  await settled();
  assert.deepEqual([counts.retried, counts.pauses, log.outcomes, out], [[], [], ['TG_STOPPING'], [[]]]);
});

test('a list with a part of the message and a stranger fails the message', () => {
  const { source, messages, log, out } = setUp([
    (message) => [message.derive({}), new Message(Buffer.from('stranger'))] as Message[],
  ]);
  source.next(batchOf(...messages('a')));
  assert.deepEqual([log.outcomes, out], [['TG_PROCESSOR_FAILED'], [[]]]);
});

test('what a second processor makes of a derived message still belongs to the first', () => {
  const { source, messages, log, out } = setUp([
    (message) => message.derive({ payload: Buffer.from(`${message.text}1`) }),
    (message) => message.derive({ payload: Buffer.from(`${message.text}2`) }),
  ]);
  source.next(batchOf(...messages('a')));
  assert.deepEqual([log.outcomes, out], [[], [['a12']]]);
});

for (const [kind, fail] of [
  [
    'thrown',
    () => {
      throw busy();
    },
  ],
  ['rejected', () => Promise.reject(busy())],
] as const) {
  for (const [retries, text] of [
    [0, 'failed after 1 try: not now'],
    [1, 'failed after 2 tries: not now'],
  ] as const) {
    test(`with ${retries} retries a failure that is ${kind} says "${text}"`, async () => {
      const { source, messages, counts } = setUp([fail], { retries });
      const [message] = messages('a') as [Message];
      const failures: TidegateError[] = [];
      message.tracker = {
        takeOver: (_, failure) => {
          failures.push(failure);
          return false;
        },
        settled() {},
      };
      source.next(batchOf(message));
      await settled();
      assert.deepEqual(
        failures.map(({ code, message, cause }) => [code, message, (cause as TidegateError).code]),
        [['TG_PROCESSOR_FAILED', text, 'TG_PROCESSOR_BUSY']],
      );
      assert.equal(counts.retried.length, retries);
    });
  }
}

test('a failure that is not transient is passed on as it is, with its own code', async () => {
  const { source, messages, log, counts } = setUp([
    () => {
      throw new TidegateError('TG_MESSAGE_INVALID', 'no price');
    },
  ]);
  source.next(batchOf(...messages('a')));
  await settled();
  assert.deepEqual([log.outcomes, counts.pauses], [['TG_MESSAGE_INVALID'], []]);
});

test('the trace of a batch ends when its last message is through, also where a promise makes it wait', async () => {
  let resolve: (message: Message) => void = () => {};
  const { source, messages, counts } = setUp([
    (message) =>
      message.text === 'a'
        ? message
        : new Promise<Message>((done) => {
            resolve = () => done(message);
          }),
  ]);
  const all = messages('a', 'b');
  source.next(batchOf(...all));
  assert.deepEqual([counts.traced, counts.ended], [1, 0]);
  resolve(all[1] as Message);
  await settled();
  assert.deepEqual([counts.traced, counts.ended], [1, 1]);
});
