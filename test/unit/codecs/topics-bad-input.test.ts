import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { DEEP } from './members.ts';
import { ProtocolClient, refusal } from './topics-client.ts';

const topic = (a: unknown, p?: unknown) => ({ id: 7, t: 'topic', a, p });
const subscribe = (p: unknown) => topic('subscribe', p);
const notif = (p: unknown, extra: object = {}) => ({ id: 7, t: 'notif', a: 'create', p, ...extra });

/** What is sent, the label it is counted under, and what the reason must say. */
type Case = readonly [message: unknown, label: string, reason: RegExp];

const LONG = 'x'.repeat(250);
const MESSAGES: readonly Case[] = [
  // t and a
  [{ id: 7 }, 'type', /^t is missing; send topic, notif or health$/],
  [{ id: 7, t: 'topics', a: 'list' }, 'type', /^t "topics" is unknown; send/],
  [{ id: 7, t: 5 }, 'type', /^t must be a text; send/],
  [{ id: 7, t: 'x'.repeat(500) }, 'type', /^t "x{64}\.\.\." is unknown/],
  [{ id: 7, t: 'topic' }, 'action', /^a is missing; for t "topic" send one of create, list, subscribe/],
  [topic('delete'), 'action', /^a "delete" is unknown; .*unsubscribe, commit, seek, pause, resume, credit$/],
  [topic(1), 'action', /^a must be a text/],
  [topic('toString'), 'action', /^a "toString" is unknown/],
  [{ id: 7, t: 'notif', p: { t: 'a', m: 'x' } }, 'action', /^a is missing; for t "notif" send create$/],
  [{ id: 7, t: 'notif', a: 'list', p: { t: 'a', m: 'x' } }, 'action', /^a is unknown; for t "notif" send create$/],
  // create
  [topic('create'), 'payload', /^p must be a list of topics; send one such as/],
  [topic('create', 'a'), 'payload', /^p must be a list of topics/],
  [topic('create', []), 'payload', /^p is an empty list/],
  [topic('create', ['a', 5]), 'topic', /^p\[1\] must be the name of a topic, which is a text/],
  [topic('create', ['a', null]), 'topic', /^p\[1\] must be the name/],
  [topic('create', ['a b']), 'topic', /^p\[0\]: Kafka has no topic "a b"; a topic name has 1 to 249 letters/],
  [topic('create', [LONG]), 'topic', /^p\[0\]: Kafka has no topic "x{64}\.\.\."/],
  [topic('create', ['..']), 'topic', /Kafka has no topic "\.\."/],
  [topic('create', ['']), 'topic', /Kafka has no topic ""/],
  [topic('create', [{ partitions: 1 }]), 'topic', /^p\[0\]\.topic is missing/],
  [topic('create', [{ topic: 'a', partitions: 0 }]), 'payload', /^p\[0\]\.partitions must be .* from 1 to 10000$/],
  [topic('create', [{ topic: 'a', partitions: 1.5 }]), 'payload', /partitions must be/],
  [topic('create', [{ topic: 'a', partitions: '3' }]), 'payload', /partitions must be/],
  [topic('create', [{ topic: 'a', replication: 101 }]), 'payload', /replication must be .* from 1 to 100$/],
  [topic('create', [{ topic: 'a', config: ['x'] }]), 'payload', /^p\[0\]\.config must be an object such as/],
  [topic('create', [{ topic: 'a', config: { x: null } }]), 'payload', /the value of "x" must be a text or a number$/],
  [
    topic('create', [{ topic: 'a', partition: 3 }]),
    'payload',
    /^p\[0\] has an unknown field "partition"; known fields are topic, partitions/,
  ],
  [topic('create', ['a', { topic: 'a' }]), 'payload', /^p\[1\]: "a" is in the list twice$/],
  // subscribe
  [subscribe(undefined), 'payload', /^p must be an object; send one such as/],
  [subscribe(['a']), 'payload', /^p must be an object/],
  [subscribe({}), 'payload', /^p\.t must be a list of topic names/],
  [subscribe({ t: [] }), 'payload', /^p\.t is an empty list/],
  [subscribe({ t: 5 }), 'payload', /^p\.t must be a list/],
  [subscribe({ t: '' }), 'topic', /^p\.t: Kafka has no topic ""/],
  [subscribe({ t: ['a', 'b/c'] }), 'topic', /^p\.t\[1\]: Kafka has no topic "b\/c"/],
  [
    subscribe({ t: ['a'], group: 'g' }),
    'payload',
    /^a subscription has an unknown field "group"; known fields are t, consumer_group, from/,
  ],
  [subscribe({ t: ['a'], consumer_group: 5 }), 'payload', /^p\.consumer_group must be a text of at most 255/],
  [subscribe({ t: ['a'], consumer_group: 'x'.repeat(256) }), 'payload', /^p\.consumer_group must be/],
  [subscribe({ t: ['a'], from: 'start' }), 'payload', /^p\.from must be earliest, latest, or offsets such as/],
  [subscribe({ t: ['a'], from: [] }), 'payload', /^p\.from must be/],
  [subscribe({ t: ['a'], from: {} }), 'payload', /it is empty$/],
  [subscribe({ t: ['a'], from: { offsets: {} } }), 'payload', /it is empty$/],
  [
    subscribe({ t: ['a'], from: { b: { 0: 1 } } }),
    'payload',
    /^p\.from names "b", which is not among the topics of p\.t$/,
  ],
  [subscribe({ t: ['a'], from: { a: 5 } }), 'payload', /^p\.from must be/],
  [subscribe({ t: ['a'], from: { a: { x: 5 } } }), 'payload', /^p\.from: "x" is not a partition number$/],
  [subscribe({ t: ['a'], from: { a: { '01': 5 } } }), 'payload', /"01" is not a partition number$/],
  [subscribe({ t: ['a'], from: { a: { 2147483648: 5 } } }), 'payload', /is not a partition number$/],
  [
    subscribe({ t: ['a'], from: { a: { 0: -1 } } }),
    'payload',
    /^p\.from: an offset must be a whole number, 0 or more$/,
  ],
  [subscribe({ t: ['a'], from: { a: { 0: '5' } } }), 'payload', /an offset must be a whole number/],
  [subscribe({ t: ['a'], commit: 'never' }), 'payload', /^p\.commit must be auto or manual$/],
  [subscribe({ t: ['a'], credit: -1 }), 'payload', /^p\.credit must be a whole number of records, 0 or more$/],
  [subscribe({ t: ['a'], wait: 'yes' }), 'payload', /^p\.wait must be true or false$/],
  [subscribe({ t: ['a'], detail: 1 }), 'payload', /^p\.detail must be true or false$/],
  // commit, seek, credit
  [topic('commit', []), 'payload', /^p is an empty list; send one such as/],
  [topic('commit', 'all'), 'payload', /^p must be a list of positions/],
  [topic('seek'), 'payload', /^p must be a list of positions/],
  [topic('seek', []), 'payload', /^p is an empty list/],
  [topic('seek', [5]), 'payload', /^p\[0\] must be a position/],
  [topic('seek', [{ partition: 0, offset: 0 }]), 'topic', /^p\[0\]\.topic is missing/],
  [
    topic('seek', [{ topic: 'a', partition: -1, offset: 0 }]),
    'payload',
    /^p\[0\]\.partition must be a partition number/,
  ],
  [topic('seek', [{ topic: 'a', partition: 0, offset: 0.5 }]), 'payload', /^p\[0\]\.offset must be a whole number/],
  [topic('seek', [{ topic: 'a', partition: 0 }]), 'payload', /^p\[0\]\.offset must be/],
  [topic('credit'), 'payload', /^p must be the number of records to add to the credit, such as 100/],
  [topic('credit', 0), 'payload', /^p must be the number of records/],
  [topic('credit', { n: '5' }), 'payload', /^p must be the number of records/],
  [topic('credit', 2 ** 31), 'payload', /^p must be the number of records/],
  // notif
  [notif(undefined), 'payload', /^p is missing; send one such as/],
  [notif('hello'), 'payload', /^p must be an object/],
  [notif(null), 'payload', /^p must be an object/],
  [notif({ m: 'x' }), 'topic', /^p\.t is missing; it is the name of a topic$/],
  [notif({ t: ['a'], m: 'x' }), 'topic', /^p\.t must be the name of a topic/],
  [notif({ t: 'a b', m: 'x' }), 'topic', /^p\.t: Kafka has no topic "a b"/],
  [notif({ t: 'a' }), 'payload', /^p\.m, the message to publish, is missing/],
  [notif({ t: 'a', m: 'x', key: 5 }), 'payload', /^p\.key must be a text$/],
  [notif({ t: 'a', m: 'x', headers: 'x' }), 'payload', /^p\.headers must be an object of texts such as/],
  [notif({ t: 'a', m: 'x', headers: ['x'] }), 'payload', /^p\.headers must be an object of texts such as/],
  [notif({ t: 'a', m: 'x', headers: [['x', 'y', 'z']] }), 'payload', /^p\.headers must be .*, or a list such as/],
  [notif({ t: 'a', m: 'x', headers: [[1, 'y']] }), 'payload', /^p\.headers must be .*, or a list such as/],
  [
    notif({ t: 'a', m: 'x', headers: [['n', 5]] }),
    'payload',
    /^p\.headers must be .* the value of "n" is not one of these$/,
  ],
  [notif({ t: 'a', m: 'x', headers: { n: { base64: '?' } } }), 'payload', /the value of "n" is not one of these$/],
  [notif({ t: 'a', m: 'x', headers: { n: { base64: '', b: 1 } } }), 'payload', /the value of "n" is not one of these$/],
  [
    notif({ t: 'a', m: 'x', headers: { n: 5 } }),
    'payload',
    /^p\.headers must be .* the value of "n" is not one of these$/,
  ],
  [notif({ t: 'a', m: 'x' }, { ack: 'yes' }), 'payload', /^ack must be true or false$/],
];

suite('each mistake has a reply with its reason', () => {
  for (const [message, label, reason] of MESSAGES) {
    test(`${JSON.stringify(message).slice(0, 90)} is counted as ${label}`, () => {
      const { label: counted, reply } = new ProtocolClient().refusal(message);
      assert.equal(counted, label);
      assert.match(String(reply.p), reason);
      const { t, a } = message as { t?: unknown; a?: unknown };
      const isName = /Kafka has no topic/.test(String(reply.p));
      assert.deepEqual(reply, {
        id: 1,
        refid: 7,
        // What was not understood is not repeated.
        ...(label === 'type' ? {} : { t }),
        ...(label === 'type' || label === 'action' ? {} : { a }),
        s: 1,
        p: reply.p,
        code: isName ? 'TG_TOPIC_INVALID' : 'TG_MESSAGE_INVALID',
        retryable: false,
      });
    });
  }
});

suite('a frame that is no message has a reply too', () => {
  const refused = (text: string, binary = false) => refusal(new ProtocolClient().frame(text, binary));
  const cases: readonly [frame: string, label: string, reason: RegExp][] = [
    ['', 'not_json', /^the frame is not JSON: /],
    ['{"id":1', 'not_json', /^the frame is not JSON: /],
    ['\ufeff{}', 'not_json', /^the frame is not JSON: /],
    ['null', 'shape', /^send an object, such as/],
    ['"topic"', 'shape', /^send an object, such as/],
    ['12', 'shape', /^send an object, such as/],
    ['[]', 'shape', /^a list of messages came: send each in a frame of its own/],
    ['[{"id":1,"t":"health"}]', 'shape', /^a list of messages came/],
  ];
  for (const [frame, label, reason] of cases) {
    test(`${frame.slice(0, 40) || 'an empty frame'} is counted as ${label}`, () => {
      const { label: counted, reply } = refused(frame);
      assert.equal(counted, label);
      assert.match(String(reply.p), reason);
      assert.deepEqual(Object.keys(reply), ['id', 'refid', 's', 'p', 'code', 'retryable']);
      assert.deepEqual([reply.id, reply.refid, reply.s, reply.retryable], [1, null, 1, false]);
    });
  }

  test('a binary frame with any content', () => {
    const { label, reply } = refused('{"id":1,"t":"health"}', true);
    assert.equal(label, 'binary');
    assert.match(String(reply.p), /not binary frames/);
    assert.equal(reply.refid, null);
  });

  test('an id that is too long to be kept', () => {
    for (const id of ['x'.repeat(257), { a: 'x'.repeat(250) }, Array(200).fill(1)]) {
      const { label, reply } = new ProtocolClient().refusal({ id, t: 'health' });
      assert.equal(label, 'id');
      assert.deepEqual([reply.refid, reply.s], [null, 1]);
    }
  });

  test('an id that is nested thousands of levels deep', () => {
    assert.equal(refused(`{"id":${DEEP},"t":"health"}`).label, 'id');
  });
});

test('after a mistake the next message is served', () => {
  const client = new ProtocolClient();
  client.refusal({ id: 1 });
  assert.deepEqual(client.ask({ id: 2, t: 'health' }), { type: 'health' });
});

const words = fc.string({ unit: 'binary' });
const json = fc.oneof(words, fc.jsonValue({ noUnicodeString: false }));
const names = fc.constantFrom<unknown>('a', ['a', 'b'], [], [{ topic: 'a', config: {} }], '..', '__proto__');
const anything = fc.oneof(json, names);
const payloads = fc.oneof(
  anything,
  fc.record(
    {
      ...{
        t: anything,
        m: json,
        key: json,
        headers: json,
        consumer_group: json,
        commit: json,
        credit: json,
        wait: json,
      },
      from: fc.oneof(json, fc.constant({ a: { 0: 1 } }), fc.constant({ ['__proto__']: { 0: 1 } })),
    },
    { requiredKeys: [] },
  ),
  fc.array(fc.record({ topic: anything, partition: json, offset: json, partitions: json }, { requiredKeys: [] })),
);
const messages = fc
  .record(
    {
      id: json,
      t: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom('topic', 'notif', 'health') },
        { weight: 1, arbitrary: json },
      ),
      a: fc.oneof(
        fc.constantFrom('create', 'list', 'subscribe', 'unsubscribe', 'commit', 'seek', 'pause', 'resume', 'credit'),
        json,
      ),
      p: payloads,
      ack: json,
    },
    { requiredKeys: [] },
  )
  .map((message) => JSON.stringify(message));

test('any text is a request, or gets a refusal with a valid reply', () => {
  const client = new ProtocolClient();
  let last = 0;
  fc.assert(
    fc.property(fc.oneof(messages, fc.json(), words), (text) => {
      const [effect, ...more] = client.frame(Buffer.from(text));
      assert.equal(more.length, 0);
      if (effect?.type !== 'reply') {
        assert.equal(effect?.type, 'request');
        return;
      }
      const bytes = Buffer.from(String(effect.frame.data));
      assert.ok(isUtf8(bytes));
      const { id, s, p } = JSON.parse(bytes.toString()) as { id: number; s: number; p: string };
      assert.equal(s, 1);
      assert.ok(p.length > 0 && p.length < 1_000);
      assert.ok(id > last);
      last = id;
    }),
    { numRuns: 1_000 },
  );
});

test("the reply to a request stays small, whatever the broker's message", () => {
  const client = new ProtocolClient();
  const rejection = { code: 'TG_TOPIC_INVALID', message: 'x'.repeat(900_000), retryable: false } as const;
  const reply = JSON.parse(client.fail(topic('create', ['a']), rejection) ?? '') as { p: string };
  assert.equal(reply.p, `${'x'.repeat(1_000)}...`);
});
