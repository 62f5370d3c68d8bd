import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Sink } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { type Header, type Headers, lastHeader } from '../../../src/core/headers.ts';
import { Message } from '../../../src/core/message.ts';
import { DeadLetters } from '../../../src/pipelines/dead-letter.ts';
import type { FailurePolicy } from '../../../src/pipelines/in-flight.ts';
import { final, ProcessorFailure } from '../../../src/pipelines/processor-failure.ts';
import { skipping } from '../../../src/pipelines/skip.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, inFlightOf, KeptTopic, settled } from './parts.ts';

const INVALID = new TidegateError('TG_MESSAGE_INVALID', 'no price in it');
const TOO_LARGE = new TidegateError('TG_RECORD_TOO_LARGE', 'over 1 MiB');

function setUp(otherwise: FailurePolicy = () => false, keyOf?: Sink['keyOf']) {
  const topic = new KeptTopic();
  let written = 0;
  const count = () => {
    written += 1;
  };
  const letters = new DeadLetters(topic, 'orders', count, otherwise, keyOf);
  const { inFlight, told } = inFlightOf(undefined, (message, failure) => letters.take(message, failure));
  return { topic, inFlight, told, log: new SettleLog(), written: () => written };
}

test('a message that failed for good goes to the dead letters as it came, with what went wrong in headers', () => {
  const { topic, inFlight, log, told, written } = setUp();
  const headers: Header[] = [
    ['tidegate-pipeline', 'an earlier one'],
    ['2', Buffer.from('a')],
    ['1', null],
    ['2', 'b'],
    ['tidegate-pipeline', 'another'],
  ];
  const timestamp = 1_700_000_000_000;
  const message = log.message('{"p":1}', { key: 'k', headers, timestamp, topic: 'in', partition: 2, offset: 41 });
  inFlight.admit(batchOf(message));
  message.derive({ json: { changed: true }, key: 'other', headers: [], timestamp: timestamp + 1 }).nack(INVALID);
  const [letter, ...more] = topic.messages;
  assert.equal(more.length, 0);
  assert.equal(letter?.text, '{"p":1}');
  assert.equal(letter?.key, 'k');
  assert.deepEqual(letter?.headers, [
    ['tidegate-pipeline', 'orders'],
    ['2', Buffer.from('a')],
    ['1', null],
    ['2', 'b'],
    ['tidegate-error-code', 'TG_MESSAGE_INVALID'],
    ['tidegate-error-message', 'no price in it'],
    ['tidegate-origin', 'in/2/41'],
    ['tidegate-timestamp', '1700000000000'],
  ]);
  assert.equal(written(), 0);
  assert.deepEqual([log.outcomes, told.settled.length, inFlight.size], [[], 0, 1]);
});

test('a dead letter says in which processor it failed, and not where an earlier one did', () => {
  const { topic, inFlight, log } = setUp();
  const headers: Header[] = [['tidegate-error-processor', 'processors[0].map']];
  const [first, second] = log.messages(2, { headers });
  assert.ok(first !== undefined && second !== undefined);
  inFlight.admit(batchOf(first, second));
  first.nack(new ProcessorFailure(INVALID, 'processors[3].validate'));
  second.nack(TOO_LARGE);
  assert.deepEqual(
    topic.messages.map((letter) => lastHeader(letter.headers, 'tidegate-error-processor')),
    ['processors[3].validate', undefined],
  );
  assert.equal(lastHeader(topic.messages[0]?.headers ?? [], 'tidegate-error-message'), 'no price in it');
});

test('a failure that a processor calls final becomes no dead letter', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  message.nack(final(new ProcessorFailure(INVALID, 'processors[0].validate')));
  assert.deepEqual([topic.messages, log.outcomes], [[], ['TG_MESSAGE_INVALID']]);
});

for (const change of ['nothing', 'its headers'] as const) {
  test(`a dead letter has no key from the sink where processors changed ${change}`, () => {
    const { topic, inFlight, log } = setUp();
    const message = log.message('a', { topic: 'in', partition: 0, offset: 1 });
    inFlight.admit(batchOf(message));
    const sent =
      change === 'nothing' ? message.withKey('assigned') : message.withKey('assigned').derive({ headers: [] });
    sent.nack(TOO_LARGE);
    topic.messages[0]?.nack(TOO_LARGE);
    assert.deepEqual(
      topic.messages.map(({ key, payload }) => [key, payload.length]),
      [
        [null, 1],
        [null, 0],
      ],
    );
  });
}

test('a dead letter has the time of its writing, whatever time the message has', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a', { timestamp: 1 });
  inFlight.admit(batchOf(message));
  message.derive({ timestamp: 9_999_999_999_999 }).nack(new TidegateError('TG_RECORD_REFUSED', 'its time'));
  assert.equal(topic.messages[0]?.timestamp, 0);
});

test('a dead letter counts once it is stored, and its sender gets that outcome', () => {
  const outcomes: string[] = [];
  const { topic, inFlight, written } = setUp();
  const messages = [1, 2, 3].map(
    () => new Message(Buffer.from('a'), { target: { settled: ({ outcome }) => void outcomes.push(outcome) } }),
  );
  inFlight.admit(batchOf(...messages));
  for (const message of messages) message.nack(INVALID);
  topic.messages[0]?.ack();
  topic.messages[1]?.nack(new TidegateError('TG_TOPIC_MISSING', 'no'));
  assert.equal(written(), 1);
  topic.messages[2]?.nack(TOO_LARGE);
  topic.messages[3]?.ack();
  assert.equal(written(), 2);
  assert.deepEqual([outcomes[0], outcomes[2]], ['dead_letter', 'dead_letter']);
});

const SENDER = { clientId: 'c-1', endpoint: 'devices', params: { id: '7', client_id: 'own' } };
const RECEIVED = Date.parse('2026-01-31T12:00:00.123Z');
const sent = (text: string) =>
  new Message(Buffer.from(text), { timestamp: RECEIVED, target: { sender: SENDER, settled() {} } });

test("the dead letter of a client's message says who sent it, by which path, and when", () => {
  const { topic, inFlight } = setUp();
  const message = sent('a');
  inFlight.admit(batchOf(message));
  message.derive({ timestamp: 5, json: 1 }).nack(INVALID);
  const { headers } = topic.messages[0] ?? {};
  assert.equal(lastHeader(headers ?? [], 'tidegate-client-id'), 'c-1');
  assert.equal(lastHeader(headers ?? [], 'tidegate-endpoint'), 'devices');
  assert.equal(lastHeader(headers ?? [], 'tidegate-param-id'), '7');
  assert.equal(lastHeader(headers ?? [], 'tidegate-param-client_id'), 'own');
  assert.equal(lastHeader(headers ?? [], 'tidegate-received'), '2026-01-31T12:00:00.123Z');
  assert.equal(lastHeader(headers ?? [], 'tidegate-timestamp'), undefined);
});

test("the dead letter of a client's message has the key of the sink, from the message that failed or came", async () => {
  const cases: readonly (readonly [string, Sink['keyOf'], string | null])[] = [
    ['no key', undefined, null],
    ['a key of the changed message', ({ json }) => (json as { changed?: string }).changed, 'yes'],
    ['a key of the message as it came', ({ json }) => (json as { came?: string }).came, 'so'],
    ['one that comes later', async ({ json }) => (json as { came?: string }).came, 'so'],
    ['an expression that fails', () => Promise.reject(new Error('no')), null],
    [
      'one that throws',
      () => {
        throw new Error('no');
      },
      null,
    ],
  ];
  for (const [what, keyOf, expected] of cases) {
    const { topic, inFlight } = setUp(undefined, keyOf);
    const message = sent('{"came":"so"}');
    inFlight.admit(batchOf(message));
    message.derive({ json: { changed: 'yes' } }).nack(INVALID);
    await settled();
    assert.deepEqual(
      topic.messages.map(({ key }) => key),
      [expected],
      what,
    );
  }
});

test('the dead letter of a feed has its own key or the key of the sink, and the URL by which it came', () => {
  const { topic, inFlight } = setUp(undefined, ({ json }) => (json as { id?: string }).id);
  const target = { shownUrl: 'wss://feed.example/prices?…', settled() {} };
  const messages = [null, 'own'].map((key) => new Message(Buffer.from('{"id":"7"}'), { key, target }));
  inFlight.admit(batchOf(...messages));
  for (const message of messages) message.derive({ json: 1 }).nack(INVALID);
  assert.deepEqual(
    topic.messages.map(({ key, headers }) => [key, lastHeader(headers, 'tidegate-url')]),
    [
      ['7', 'wss://feed.example/prices?…'],
      ['own', 'wss://feed.example/prices?…'],
    ],
  );
});

test('the dead letter of a record has the key that it came with, whatever the sink would give it', () => {
  const { topic, inFlight, log } = setUp(undefined, () => 'of the sink');
  const message = log.message('a', { topic: 'in', partition: 0, offset: 0 });
  inFlight.admit(batchOf(message));
  message.nack(INVALID);
  const [letter] = topic.messages;
  assert.deepEqual([letter?.key, lastHeader(letter?.headers ?? [], 'tidegate-url')], [null, undefined]);
});

test('a key that a client or the sink has given already stays, where the sink has no other', () => {
  const { topic, inFlight } = setUp(undefined, () => undefined);
  const message = sent('a');
  inFlight.admit(batchOf(message));
  message.withKey('given').nack(INVALID);
  assert.equal(topic.messages[0]?.key, 'given');
});

test('a dead letter that is too large loses what makes it so, first the largest part', () => {
  const { topic, inFlight, log } = setUp();
  const headers: Headers = [
    ['large', 'h'.repeat(50)],
    ['other', 'x'],
  ];
  const message = log.message('payload', { key: 'k'.repeat(100), headers });
  inFlight.admit(batchOf(message));
  message.nack(TOO_LARGE);
  for (let n = 0; n < 3; n += 1) topic.messages[n]?.nack(TOO_LARGE);
  assert.deepEqual(
    topic.messages.map(({ payload, key, headers }) => [
      payload.length,
      key?.length ?? null,
      lastHeader(headers, 'large') !== undefined,
    ]),
    [
      [7, 100, true],
      [7, null, true],
      [7, null, false],
      [0, null, false],
    ],
  );
  const last = topic.messages[3]?.headers;
  assert.equal(lastHeader(last ?? [], 'tidegate-key-bytes'), '100');
  assert.equal(
    lastHeader(last ?? [], 'tidegate-key-sha256'),
    createHash('sha256').update('k'.repeat(100)).digest('hex'),
  );
  assert.equal(lastHeader(last ?? [], 'tidegate-headers-bytes'), String('large'.length + 50 + 'other'.length + 1));
  assert.equal(lastHeader(last ?? [], 'tidegate-payload-bytes'), '7');
  assert.equal(lastHeader(last ?? [], 'tidegate-error-code'), 'TG_RECORD_TOO_LARGE');
  topic.messages[3]?.nack(TOO_LARGE);
  assert.equal(topic.messages.length, 4);
  assert.deepEqual(log.outcomes, ['TG_RECORD_TOO_LARGE']);
});

test('a message is done when its dead letter is in the log, and the gate gets its credit back then', () => {
  const { topic, inFlight, log, told } = setUp();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  message.nack(INVALID);
  assert.equal(inFlight.gate.messages, 1);
  topic.messages[0]?.ack();
  assert.deepEqual(log.outcomes, ['ack']);
  assert.deepEqual([inFlight.gate.messages, inFlight.gate.bytes, inFlight.size, told.emptied], [0, 0, 0, 1]);
});

test('a message of a client has no origin in its dead letter', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  message.nack(INVALID);
  assert.equal(lastHeader(topic.messages[0]?.headers ?? [], 'tidegate-origin'), undefined);
});

test('the payload of a dead letter is copied out of the chunk it came in', () => {
  const { topic, inFlight, log } = setUp();
  const chunk = Buffer.alloc(65_536, 'x');
  const message = log.message('').derive({ payload: chunk.subarray(0, 5) });
  message.source = undefined;
  inFlight.admit(batchOf(message));
  message.nack(INVALID);
  assert.notEqual(topic.messages[0]?.payload.buffer, chunk.buffer);
  assert.equal(topic.messages[0]?.text, 'xxxxx');
});

for (const code of ['TG_LOG_UNAVAILABLE', 'TG_STOPPING', 'TG_FLOW_FAILED'] as const) {
  test(`${code} says nothing about the message, so it becomes no dead letter`, () => {
    const { topic, inFlight, log } = setUp();
    const message = log.message('a');
    inFlight.admit(batchOf(message));
    message.nack(new TidegateError(code, 'away'));
    assert.deepEqual([topic.messages, log.outcomes, inFlight.size], [[], [code], 0]);
  });
}

test('a dead letter that is too large goes again without its payload, with size and hash', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a large one', { key: 'k' });
  inFlight.admit(batchOf(message));
  message.nack(TOO_LARGE);
  topic.messages[0]?.nack(TOO_LARGE);
  const [, stripped, ...more] = topic.messages;
  assert.equal(more.length, 0);
  assert.equal(stripped?.payload.length, 0);
  assert.equal(stripped?.key, 'k');
  assert.equal(lastHeader(stripped?.headers ?? [], 'tidegate-payload-bytes'), '11');
  assert.equal(
    lastHeader(stripped?.headers ?? [], 'tidegate-payload-sha256'),
    createHash('sha256').update('a large one').digest('hex'),
  );
  assert.equal(lastHeader(stripped?.headers ?? [], 'tidegate-error-code'), 'TG_RECORD_TOO_LARGE');
  stripped?.ack();
  assert.deepEqual([log.outcomes, inFlight.size, inFlight.gate.bytes], [['ack'], 0, 0]);
});

test('a dead letter that fails in every way nacks the message, once', () => {
  const { topic, inFlight, log, told } = setUp();
  const [first, second] = log.messages(2);
  if (first === undefined || second === undefined) throw new Error('two messages were made');
  inFlight.admit(batchOf(first, second));
  first.nack(INVALID);
  topic.messages[0]?.nack(new TidegateError('TG_NOT_AUTHORIZED', 'no'));
  second.nack(INVALID);
  topic.messages[1]?.nack(TOO_LARGE);
  topic.messages[2]?.nack(TOO_LARGE);
  assert.equal(topic.messages.length, 3);
  assert.deepEqual(
    [...log.byToken],
    [
      [0, ['TG_MESSAGE_INVALID']],
      [1, ['TG_MESSAGE_INVALID']],
    ],
  );
  assert.deepEqual([told.settled.length, inFlight.size], [2, 0]);
});

test('if a dead letter is refused, sender and pipeline get first the error of the message, then its own', () => {
  const failures: (TidegateError | null)[] = [];
  const { topic, inFlight, told } = setUp();
  const [compacted, large, stopped] = [1, 2, 3].map(
    () => new Message(Buffer.from('a'), { target: { settled: (_, failure) => void failures.push(failure) } }),
  );
  if (compacted === undefined || large === undefined || stopped === undefined)
    throw new Error('three messages were made');
  inFlight.admit(batchOf(compacted, large, stopped));
  const cause = new Error('thrown');
  compacted.nack(new TidegateError('TG_EXPRESSION_FAILED', 'no function nope', cause));
  large.nack(INVALID);
  stopped.nack(INVALID);
  topic.messages[0]?.nack(new TidegateError('TG_RECORD_REFUSED', 'Topic orders.dlt: INVALID_RECORD'));
  topic.messages[1]?.nack(TOO_LARGE);
  topic.messages[3]?.nack(TOO_LARGE);
  topic.messages[2]?.nack(new TidegateError('TG_STOPPING', 'later'));
  assert.deepEqual(
    failures.map((failure) => [failure?.code, failure?.message, failure?.cause]),
    [
      [
        'TG_EXPRESSION_FAILED',
        'no function nope; its dead letter was refused (TG_RECORD_REFUSED): Topic orders.dlt: INVALID_RECORD',
        cause,
      ],
      [
        'TG_MESSAGE_INVALID',
        'no price in it; its dead letter was refused (TG_RECORD_TOO_LARGE): over 1 MiB',
        undefined,
      ],
      ['TG_STOPPING', 'later', undefined],
    ],
  );
  assert.deepEqual(
    told.settled.map(([, failure]) => failure),
    failures,
  );
  assert.deepEqual([topic.messages.length, inFlight.size, inFlight.gate.messages], [4, 0, 0]);
});

test('a dead letter that fails in every way is skipped where that is configured, and only then', () => {
  const skipped: string[] = [];
  const { topic, inFlight, log, told } = setUp(
    skipping(({ text }, { code, message }) => skipped.push(`${text}: ${code} ${message}`)),
  );
  const [small, large, stopped] = log.messages(3);
  if (small === undefined || large === undefined || stopped === undefined) throw new Error('three messages were made');
  inFlight.admit(batchOf(small, large, stopped));
  for (const message of [small, large, stopped]) message.nack(INVALID);
  topic.messages[0]?.nack(new TidegateError('TG_TOPIC_MISSING', 'no such topic'));
  topic.messages[1]?.nack(TOO_LARGE);
  const first = '0: TG_MESSAGE_INVALID no price in it; its dead letter was refused (TG_TOPIC_MISSING): no such topic';
  assert.deepEqual(skipped, [first]);
  topic.messages[3]?.nack(TOO_LARGE);
  topic.messages[2]?.nack(new TidegateError('TG_STOPPING', 'later'));
  assert.deepEqual(skipped, [
    first,
    '1: TG_MESSAGE_INVALID no price in it; its dead letter was refused (TG_RECORD_TOO_LARGE): over 1 MiB',
  ]);
  assert.deepEqual(log.outcomes, ['ack', 'ack', 'TG_STOPPING']);
  assert.deepEqual(
    told.settled.map(([, failure]) => failure?.code),
    ['TG_MESSAGE_INVALID', 'TG_MESSAGE_INVALID', 'TG_STOPPING'],
  );
  assert.deepEqual([inFlight.size, inFlight.gate.messages, inFlight.gate.bytes], [0, 0, 0]);
});

test('a pipeline that breaks settles messages whose dead letter is still in inFlight', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  message.nack(INVALID);
  inFlight.nackAll(new TidegateError('TG_FLOW_FAILED', 'broke'));
  topic.messages[0]?.ack();
  assert.deepEqual([log.outcomes, inFlight.size], [['TG_FLOW_FAILED'], 0]);
});

test('a split of which one part fails makes one dead letter, of the whole', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('ab');
  inFlight.admit(batchOf(message));
  const parts = message.split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }]);
  parts[0]?.nack(INVALID);
  parts[1]?.nack(INVALID);
  assert.deepEqual(
    topic.messages.map(({ text }) => text),
    ['ab'],
  );
  topic.messages[0]?.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('the text of the error is cut to 8 KiB, also where its letters take several bytes', () => {
  const { topic, inFlight, log } = setUp();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  message.nack(new TidegateError('TG_MESSAGE_INVALID', 'ü€'.repeat(10_000)));
  const text = String(lastHeader(topic.messages[0]?.headers ?? [], 'tidegate-error-message'));
  assert.ok(Buffer.byteLength(text) <= 8_192, `${Buffer.byteLength(text)} bytes`);
  assert.ok(text.length > 3_000 && !text.includes('�'));
});
