import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { type Headers, lastHeader } from '../../../src/core/headers.ts';
import { Message, type Tracker } from '../../../src/core/message.ts';
import { anyHeaders } from '../../../src/testing/arbitraries/headers.ts';
import { SettleLog } from './settle-log.ts';

const FAILURE = new TidegateError('TG_PROCESSOR_FAILED', 'no');
const OTHER = new TidegateError('TG_STOPPING', 'later');

test('a message calls its target once, whatever is called afterwards', () => {
  const log = new SettleLog();
  const message = log.message('a');
  assert.equal(message.isSettled, false);
  message.nack(FAILURE);
  message.ack();
  message.nack(OTHER);
  assert.deepEqual(log.outcomes, ['TG_PROCESSOR_FAILED']);
  assert.equal(message.isSettled, true);
});

test('a message without a target can be settled all the same', () => {
  const message = new Message(Buffer.from('a'));
  message.ack();
  assert.equal(message.isSettled, true);
});

test('a derived message settles for its original, with the token of the original', () => {
  const log = new SettleLog();
  const message = log.message('a', { token: 7 });
  const derived = message.derive({ json: { b: 1 } }).derive({ key: 'k' });
  assert.equal(message.isSettled, false);
  derived.ack();
  assert.equal(message.isSettled, true);
  assert.deepEqual([...log.byToken], [[7, ['ack']]]);
});

test('settling an original settles what was derived from it, and only once', () => {
  const log = new SettleLog();
  const message = log.message('a');
  const derived = message.derive({ payload: Buffer.from('b') });
  message.nack(FAILURE);
  derived.ack();
  assert.equal(derived.isSettled, true);
  assert.deepEqual(log.outcomes, ['TG_PROCESSOR_FAILED']);
});

test('a message that is derived from a settled one is settled too', () => {
  const log = new SettleLog();
  const message = log.message('a');
  message.nack(OTHER);
  const derived = message.derive({ payload: Buffer.from('b') });
  assert.equal(derived.isSettled, true);
  derived.ack();
  assert.deepEqual(log.outcomes, ['TG_STOPPING']);
});

test('of two messages derived from one the later has the duty, as a second try must', () => {
  const log = new SettleLog();
  const message = log.message('a');
  const first = message.derive({ payload: Buffer.from('1') });
  const second = message.derive({ payload: Buffer.from('2') });
  assert.equal(second.isSettled, false);
  second.ack();
  first.nack(FAILURE);
  message.nack(FAILURE);
  assert.deepEqual(log.outcomes, ['ack']);
});

test('the parts of a split settle their whole when the last one has settled', () => {
  const log = new SettleLog();
  const message = log.message('abc');
  const parts = message.split([...'abc'].map((letter) => ({ payload: Buffer.from(letter) })));
  parts[1]?.ack();
  parts[1]?.ack();
  parts[0]?.ack();
  assert.deepEqual(log.outcomes, []);
  parts[2]?.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('one nacked part nacks the whole, with the first failure', () => {
  const log = new SettleLog();
  const parts = log.message('abc').split([...'abc'].map((letter) => ({ payload: Buffer.from(letter) })));
  parts[0]?.ack();
  parts[1]?.nack(FAILURE);
  assert.deepEqual(log.outcomes, []);
  parts[2]?.nack(OTHER);
  assert.deepEqual(log.outcomes, ['TG_PROCESSOR_FAILED']);
});

test('a split into nothing acks the message', () => {
  const log = new SettleLog();
  assert.deepEqual(log.message('a').split([]), []);
  assert.deepEqual(log.outcomes, ['ack']);
});

test('parts that settle after their whole was nacked change nothing', () => {
  const log = new SettleLog();
  const message = log.message('ab');
  const parts = message.split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }]);
  message.nack(OTHER);
  for (const part of parts) part.ack();
  assert.deepEqual(log.outcomes, ['TG_STOPPING']);
});

test('a part has the key that it is given, null too, and that of its whole where it is given none', () => {
  const payload = Buffer.from('p');
  const parts = new Message(payload, { key: 'k' }).split([
    { payload },
    { payload, key: null },
    { payload, key: '' },
    { payload, key: 'own' },
  ]);
  assert.deepEqual(
    parts.map(({ key }) => key),
    ['k', null, '', 'own'],
  );
  const { key } = new Message(payload, { key: 'k' }).derive({ key: null });
  assert.equal(key, null);
});

test('a derived message and a part keep what they do not change', () => {
  const meta = { client_id: 'c' };
  const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const message = new Message(Buffer.from('{"a":1}'), {
    key: 'k',
    headers: [['h', 'v']],
    meta,
    timestamp: 5,
    trace,
    topic: 't',
    partition: 2,
    offset: 9,
  });
  const derived = message.derive({ json: { b: 2 } });
  const [part] = derived.split([{ payload: Buffer.from('p') }]);
  for (const made of [derived, part]) {
    assert.equal(made?.key, 'k');
    assert.deepEqual(made?.headers, [['h', 'v']]);
    assert.equal(made?.meta, meta);
    assert.equal(made?.timestamp, 5);
    assert.equal(made?.trace, trace);
    assert.deepEqual([made?.topic, made?.partition, made?.offset], ['t', 2, 9]);
    assert.equal(made?.source, message);
  }
  assert.deepEqual(derived.json, { b: 2 });
  assert.equal(derived.text, '{"b":2}');
});

test('parsed JSON goes over to a derived message whose payload is the same, and only then', () => {
  const message = new Message(Buffer.from('{"a":1}'));
  const parsed = message.json;
  const rekeyed = message.derive({ key: 'k' });
  assert.equal(rekeyed.json, parsed);
  assert.deepEqual(rekeyed.derive({ payload: Buffer.from('{"a":2}') }).json, { a: 2 });
});

test('json parses the payload once and throws if it is not JSON', () => {
  const message = new Message(Buffer.from('{"a":1}'));
  assert.equal(message.json, message.json);
  assert.throws(
    () => new Message(Buffer.from('{')).json,
    (error) =>
      error instanceof TidegateError &&
      error.code === 'TG_MESSAGE_INVALID' &&
      error.message.startsWith('the payload is not JSON: ') &&
      error.cause instanceof SyntaxError,
  );
});

test('json that the maker had is taken as it is, undefined and null included', () => {
  const json = { a: 1 };
  assert.equal(new Message(Buffer.from('no json'), { json }).json, json);
  assert.equal(new Message(Buffer.from('no json'), { json: null }).json, null);
});

test('withKey keeps the message where it had no key, and derives where it had another', () => {
  const log = new SettleLog();
  const keyless = log.message('a');
  assert.equal(keyless.withKey('k'), keyless);
  assert.equal(keyless.key, 'k');
  assert.equal(keyless.withKey('k'), keyless);
  const other = keyless.withKey('x');
  assert.notEqual(other, keyless);
  assert.deepEqual([keyless.key, other.key], ['k', 'x']);
  assert.equal(other.withKey(null).key, null);
  assert.deepEqual([keyless.sourceKey, other.sourceKey], [null, null]);
  assert.equal(log.message('a', { key: 'own' }).withKey('x').withKey('y').sourceKey, 'own');
  assert.equal(log.message('a', { key: 'own' }).withKey('own').sourceKey, 'own');
});

test('size counts payload, key and headers, and a fixed charge', () => {
  assert.equal(new Message(Buffer.alloc(10)).size, 10 + 256);
  const full = new Message(Buffer.alloc(10), {
    key: 'abc',
    headers: [
      ['name', 'value'],
      ['name', Buffer.alloc(7)],
      ['none', null],
    ],
  });
  assert.equal(full.size, 10 + 256 + 3 + (4 + 5) + (4 + 7) + 4);
});

test('headers that are not a list are refused, in a new message and in a derived one', () => {
  const headers = { source: 'web' } as unknown as Headers;
  assert.throws(() => new Message(Buffer.from('a'), { headers }), /a list of \[name, value\] pairs/);
  assert.throws(() => new Message(Buffer.from('a')).derive({ headers }), TypeError);
});

test('any headers survive derive, split and detached', () => {
  fc.assert(
    fc.property(anyHeaders, (headers) => {
      const message = new Message(Buffer.alloc(65_536).subarray(0, 9), { headers });
      const derived = message.derive({ json: { changed: true } });
      const [part] = derived.split([{ payload: Buffer.from('p') }]);
      for (const made of [derived, part, message.detached()]) assert.deepEqual(made?.headers, headers);
    }),
  );
});

test('detached copies a payload that pins a much larger chunk, and leaves one alone that does not', () => {
  const log = new SettleLog();
  const chunk = Buffer.alloc(65_536, 'x');
  const message = new Message(chunk.subarray(0, 200), { target: log });
  const detached = message.detached();
  assert.equal(detached.payload.buffer.byteLength, 200);
  assert.equal(detached.text, 'x'.repeat(200));
  detached.ack();
  assert.deepEqual(log.outcomes, ['ack']);
  const own = new Message(Buffer.alloc(65_536));
  assert.equal(own.detached(), own);
});

test('a detached message keeps nothing of the chunk, in key, headers and the message it came from', () => {
  const chunk = Buffer.alloc(65_536, 'x');
  const message = new Message(chunk.subarray(0, 9), {
    key: chunk.subarray(9, 12),
    headers: [['h', chunk.subarray(12, 14)]],
  });
  const { payload, key, headers, source, sourceKey } = message.detached();
  const value = lastHeader(headers, 'h');
  for (const bytes of [payload, key, value]) assert.ok(Buffer.isBuffer(bytes) && bytes.buffer !== chunk.buffer);
  assert.deepEqual([String(key), String(value), source, sourceKey], ['xxx', 'xx', undefined, key]);
  const assigned = new Message(chunk.subarray(0, 9)).withKey('k').detached();
  assert.deepEqual([assigned.key, assigned.sourceKey], ['k', null]);
});

test('a tracker may take a failed message over and settle it later', () => {
  const log = new SettleLog();
  const settled: string[] = [];
  let taken: Message | undefined;
  const tracker: Tracker = {
    takeOver: (message) => {
      if (taken !== undefined) return false;
      taken = message.derive({ payload: Buffer.from('letter') });
      return true;
    },
    settled: (message, failure) => settled.push(`${message.text}: ${failure?.code ?? 'ack'}`),
  };
  const message = log.message('a');
  message.tracker = tracker;
  message.nack(FAILURE);
  assert.deepEqual([log.outcomes, settled, message.isSettled], [[], [], false]);
  taken?.ack();
  message.nack(FAILURE);
  assert.deepEqual([log.outcomes, settled, message.isSettled], [['ack'], ['letter: ack'], true]);
});

test('a batch counts its bytes and settles every message that is not settled yet', () => {
  const log = new SettleLog();
  const messages = log.messages(3);
  const batch = new Batch(messages);
  assert.equal(batch.length, 3);
  assert.equal(batch.bytes, 3 * 257);
  messages[1]?.ack();
  batch.nack(FAILURE);
  batch.ack();
  assert.deepEqual([...log.byToken].sort(), [
    [0, ['TG_PROCESSOR_FAILED']],
    [1, ['ack']],
    [2, ['TG_PROCESSOR_FAILED']],
  ]);
});

test('the outcome of an ack is reported with it, also through derived and split messages', () => {
  const outcomes: string[] = [];
  const target = { settled: ({ outcome }: Message) => void outcomes.push(outcome) };
  const message = () => new Message(Buffer.from('a'), { target });
  message().ack();
  message().ack('filtered');
  const derived = message();
  derived.derive({ json: 1 });
  derived.ack('filtered');
  message().split([]);
  const letter = message().derive({ key: 'k' });
  letter.outcome = 'dead_letter';
  letter.derive({ payload: Buffer.alloc(0) }).ack();
  assert.deepEqual(outcomes, ['stored', 'filtered', 'filtered', 'filtered', 'dead_letter']);
});

test('a split message is stored where one of its parts is, and filtered where all of them are', () => {
  for (const [parts, expected] of [
    [['stored', 'stored'], 'stored'],
    [['filtered', 'stored'], 'stored'],
    [['stored', 'filtered'], 'stored'],
    [['filtered', 'filtered'], 'filtered'],
  ] as const) {
    const outcomes: string[] = [];
    const target = { settled: ({ outcome }: Message) => void outcomes.push(outcome) };
    const split = new Message(Buffer.from('a'), { target }).split(parts.map(() => ({ payload: Buffer.from('b') })));
    for (const [at, part] of split.entries()) part.ack(parts[at]);
    assert.deepEqual(outcomes, [expected], parts.join());
  }
});

test('a message knows the client that its target speaks for, and so does what is made of it', () => {
  const sender = { clientId: 'c', endpoint: 'e', params: { id: '7' } };
  const message = new Message(Buffer.from('a'), { target: { sender, settled() {} } });
  assert.equal(message.derive({ json: 1 }).sender, sender);
  assert.equal(new Message(Buffer.from('a')).sender, undefined);
});

test('a part that the log refuses when it is in a transaction fails the whole, which is not done after all', () => {
  const calls: string[] = [];
  const target = {
    settled: (_: Message, failure: TidegateError | null) => calls.push(failure?.code ?? 'acked'),
    staged: () => calls.push('staged'),
    unstaged: () => calls.push('unstaged'),
  };
  const message = new Message(Buffer.from('ab'), { target });
  const [first, second] = message.split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }]);
  first?.stage();
  assert.deepEqual(calls, []);
  second?.stage();
  assert.equal(first?.unstage(), true);
  first?.nack(FAILURE);
  second?.ack();
  assert.deepEqual(calls, ['staged', 'unstaged', 'TG_PROCESSOR_FAILED']);
});

test('who hears what becomes of a message hides nothing of its target', () => {
  const calls: string[] = [];
  const target = {
    isRevoked: true,
    shownUrl: 'ws://a',
    settled: () => calls.push('settled'),
    staged: () => calls.push('staged'),
    unstaged: () => calls.push('unstaged'),
    readiness: () => 'early' as const,
  };
  const message = new Message(Buffer.from('a'), { target });
  message.whenSettled(() => calls.push('heard'));
  assert.deepEqual([message.isRevoked, message.shownUrl, message.readiness], [true, 'ws://a', 'early']);
  assert.equal(message.stage(), true);
  assert.equal(message.unstage(), true);
  message.ack();
  assert.deepEqual(calls, ['staged', 'unstaged', 'heard', 'settled']);
  const other = new Message(Buffer.from('b'), { target: { settled() {} } });
  other.whenSettled(() => {});
  assert.equal(other.stage(), true);
  assert.equal(other.unstage(), false, 'its target cannot take it back');
});

test('what no record can hold is refused when the message is made, and not when it is written with others', () => {
  const message = new Message(Buffer.from('x'));
  const derive = (changes: object) => () => message.derive(changes);
  assert.throws(
    derive({ payload: 'text' }),
    /^TypeError: the payload of a message must be a Buffer, and not a value of/,
  );
  assert.throws(
    derive({ key: 5 }),
    /^TypeError: the key of a message must be text, a Buffer or null, and not the number 5$/,
  );
  assert.throws(
    derive({ headers: [['a', 5]] }),
    /^TypeError: the header "a" of a message must be text, a Buffer or null/,
  );
  assert.throws(
    derive({ headers: Object.assign([['a', '1']], { length: 2 }) }),
    /must be a list of \[name, value\] pairs$/,
  );
  assert.throws(derive({ headers: [[1, '1']] }), /must be a list of \[name, value\] pairs$/);
  for (const timestamp of [Number.NaN, 1.5, '5'])
    assert.throws(derive({ timestamp }), /^TypeError: the timestamp of a message must be whole milliseconds/);
  assert.throws(
    () => message.split([{} as { payload: Buffer }]),
    /^TypeError: the payload of a message must be a Buffer/,
  );
  assert.equal(message.isSettled, false);
  assert.equal(message.derive({ key: null, headers: [['a', null]], timestamp: 5 }).timestamp, 5);
});

test('a message that is nacked with another error may be sent again', () => {
  const failures: (TidegateError | null)[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => void failures.push(failure) };
  for (const error of [new Error('down'), undefined])
    new Message(Buffer.from('x'), { target }).nack(error as unknown as TidegateError);
  assert.deepEqual(
    failures.map((failure) => [failure?.code, failure?.message, failure?.retryable]),
    [
      ['TG_FLOW_FAILED', 'down', true],
      ['TG_FLOW_FAILED', 'undefined', true],
    ],
  );
});
