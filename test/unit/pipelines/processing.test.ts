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

function setUp(processes: Processor['process'][], changes: Partial<ProcessingOptions> = {}) {
  const { counts, options } = countingOptions(changes);
  const log = new SettleLog();
  const source = new Subject<Batch>();
  const out: Message[][] = [];
  const errors: unknown[] = [];
  source
    .pipe(
      processing(
        processes.map((process, at) => ({ process, place: `processor ${at}` })),
        options,
      ),
    )
    .subscribe({ next: (batch) => out.push([...batch.messages]), error: (error) => errors.push(error) });
  const send = (...all: string[]) => {
    const messages = all.map((text, token) => log.message(text, { token }));
    source.next(batchOf(...messages));
    return messages;
  };
  return { send, log, out, counts, errors, all: () => out.map(texts) };
}

const upper: Processor['process'] = (message) => message.derive({ payload: Buffer.from(message.text.toUpperCase()) });

test('processors run over each message in order, and synchronous ones make no turn', () => {
  const { send, all, counts } = setUp([
    upper,
    (message) => message.derive({ payload: Buffer.from(`${message.text}!`) }),
  ]);
  send('a', 'b');
  assert.deepEqual(all(), [['A!', 'B!']]);
  assert.deepEqual([counts.traced, counts.ended], [1, 1]);
});

test('a message for which a processor gives null is acked, counted and goes no further', () => {
  const { send, all, log, counts } = setUp([upper, (message) => (message.text === 'B' ? null : message), upper]);
  send('a', 'b', 'c');
  assert.deepEqual(all(), [['A', 'C']]);
  assert.deepEqual([...log.byToken], [[1, ['ack']]]);
  assert.deepEqual([counts.filtered, counts.filters], [1, ['processor 1']]);
});

test('the parts of a split go through the processors that follow, in place of their whole', () => {
  const parts: Processor['process'] = (message) =>
    message.split([...message.text].map((letter) => ({ payload: Buffer.from(letter) })));
  const { send, all, out, log } = setUp([parts, upper]);
  send('ab', 'c');
  assert.deepEqual(all(), [['A', 'B', 'C']]);
  for (const message of out[0]?.slice(0, 2) ?? []) message.ack();
  assert.deepEqual([...log.byToken], [[0, ['ack']]]);
});

test('a split into nothing, or an empty list, ends the message like null', () => {
  const { send, all, log, counts } = setUp([(message) => (message.text === 'a' ? message.split([]) : [])]);
  send('a', 'b');
  assert.deepEqual(all(), [[]]);
  assert.deepEqual(log.notOnce(2), []);
  assert.equal(counts.filtered, 2);
});

test('what a processor throws fails that message alone, and is not tried again', () => {
  const { send, all, log, counts } = setUp([
    (message) => {
      if (message.text === 'b') throw new Error('cannot');
      return message;
    },
  ]);
  send('a', 'b', 'c');
  assert.deepEqual(all(), [['a', 'c']]);
  assert.deepEqual([...log.byToken], [[1, ['TG_PROCESSOR_FAILED']]]);
  assert.deepEqual(counts.retried, []);
});

test('a promise that rejects fails its message alone', async () => {
  const { send, all, log } = setUp([
    async (message) => {
      if (message.text === 'b') throw new TidegateError('TG_MESSAGE_INVALID', 'no');
      return message;
    },
  ]);
  send('a', 'b', 'c');
  await settled();
  assert.deepEqual(all(), [['a', 'c']]);
  assert.deepEqual([...log.byToken], [[1, ['TG_MESSAGE_INVALID']]]);
});

for (const [kind, wrong] of [
  ['nothing', undefined],
  ['a message of its own making', new Message(Buffer.from('mine'))],
  ['something that is no message', { payload: Buffer.from('x') }],
  ['a list with a stranger', [new Message(Buffer.from('mine'))]],
  ['a list of its message and a stranger', (message: Message) => [message, new Message(Buffer.from('mine'))]],
  ['a list of a stranger and its message', (message: Message) => [new Message(Buffer.from('mine')), message]],
] as const) {
  test(`a processor that gives ${kind} fails the message, which would never settle otherwise`, () => {
    const given = (message: Message) => (typeof wrong === 'function' ? wrong(message) : wrong);
    const { send, all, log } = setUp([
      ((message: Message) => (message.text === 'b' ? given(message) : message)) as never,
    ]);
    send('a', 'b', 'c');
    assert.deepEqual(all(), [['a', 'c']]);
    assert.deepEqual([...log.byToken], [[1, ['TG_PROCESSOR_FAILED']]]);
  });
}

for (const kind of ['throws', 'rejects'] as const) {
  test(`an error marked transient (${kind}) is tried again after a pause, from the processor that failed`, async () => {
    const calls: string[] = [];
    let failures = 2;
    const flaky = (message: Message) => {
      calls.push(`flaky ${message.text}`);
      if (message.text === 'B' && failures-- > 0) throw busy();
      return message;
    };
    const { send, all, counts, log } = setUp([
      (message) => {
        calls.push(`first ${message.text}`);
        return upper(message);
      },
      kind === 'throws' ? flaky : async (message) => flaky(message),
    ]);
    send('a', 'b', 'c');
    await settled();
    assert.deepEqual(all(), [['A', 'B', 'C']]);
    assert.deepEqual(counts.pauses, [1, 2]);
    assert.deepEqual(counts.retried, ['TG_PROCESSOR_BUSY', 'TG_PROCESSOR_BUSY']);
    assert.deepEqual(log.outcomes, []);
    assert.deepEqual(calls, ['first a', 'flaky A', 'first b', 'flaky B', 'flaky B', 'flaky B', 'first c', 'flaky C']);
  });
}

test('a transient error that stays fails for good after all retries, so that it can be a dead letter', async () => {
  const { send, all, log, counts } = setUp(
    [
      (message) => {
        if (message.text === 'b') throw busy();
        return message;
      },
    ],
    { retries: 2 },
  );
  const messages = send('a', 'b', 'c');
  let failure: TidegateError | undefined;
  if (messages[1] !== undefined)
    messages[1].tracker = {
      takeOver: (_, why) => {
        failure = why;
        return false;
      },
      settled() {},
    };
  await settled();
  assert.deepEqual(all(), [['a', 'c']]);
  assert.deepEqual(counts.pauses, [1, 2]);
  assert.deepEqual([...log.byToken], [[1, ['TG_PROCESSOR_FAILED']]]);
  assert.equal(failure?.next, 'reject');
  assert.match(failure?.message ?? '', /after 3 tries: not now/);
});

test('with no retries a transient error fails at once', () => {
  const { send, all, log } = setUp(
    [
      () => {
        throw busy();
      },
    ],
    { retries: 0 },
  );
  send('a');
  assert.deepEqual(all(), [[]]);
  assert.deepEqual(log.outcomes, ['TG_PROCESSOR_FAILED']);
});

test('a message that was given up during the pause is not tried again', async () => {
  let tries = 0;
  const { send, log } = setUp([
    () => {
      tries += 1;
      throw busy();
    },
  ]);
  const [message] = send('a');
  message?.nack(new TidegateError('TG_STOPPING', 'over'));
  await settled();
  assert.equal(tries, 1);
  assert.deepEqual(log.outcomes, ['TG_STOPPING']);
});

test('order is kept within a batch and between batches, also while an earlier message waits', async () => {
  const gates: (() => void)[] = [];
  const { send, all, counts } = setUp([
    (message) =>
      message.text.startsWith('slow') ? new Promise<Message>((resolve) => gates.push(() => resolve(message))) : message,
  ]);
  send('a', 'slow 1', 'b');
  send('c');
  await settled();
  assert.deepEqual(all(), []);
  assert.equal(counts.ended, 0);
  gates[0]?.();
  await settled();
  assert.deepEqual(all(), [['a', 'slow 1', 'b'], ['c']]);
  assert.deepEqual([counts.traced, counts.ended], [2, 2]);
});

test('what is no message fails its message alone, also where it looks like one or throws', () => {
  const throwing = () => {
    throw new Error('not to be looked at');
  };
  const nonsense: ((message: Message) => unknown)[] = [
    (message) => ({ ...message }),
    (message) => ({ source: message.source ?? message }),
    (message) => [{ source: message.source ?? message }],
    (message) => Object.assign([message], { length: 2 }),
    () => new Array(3),
    () => new Proxy({}, { get: throwing }),
    () => undefined,
  ];
  for (const give of nonsense) {
    const evil = (message: Message) => (message.text === 'B' ? give(message) : message);
    const { send, log, all, errors } = setUp([upper, evil as Processor['process']]);
    send('a', 'b', 'c');
    assert.deepEqual(errors, []);
    assert.deepEqual(all(), [['A', 'C']], String(give));
    assert.deepEqual(log.outcomes, ['TG_PROCESSOR_FAILED'], String(give));
  }
});

test('an error that cannot be read fails its message alone', () => {
  const throwing = () => {
    throw new Error('not to be looked at');
  };
  const { send, all, errors } = setUp([
    (message) => {
      if (message.text === 'b') throw new Proxy({}, { get: throwing, getPrototypeOf: throwing });
      return message;
    },
  ]);
  send('a', 'b', 'c');
  assert.deepEqual(errors, []);
  assert.deepEqual(all(), [['a', 'c']]);
});
