import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTopicName } from '../../../src/codecs/topics/wire.ts';
import { topicName } from '../../../src/config/schema/log-schema.ts';
import { NOW } from './made.ts';
import { ProtocolClient, requested } from './topics-client.ts';

const subscribe = (p: unknown) => ({ id: 1000, t: 'topic', a: 'subscribe', p });
const plain = { commit: 'auto', wait: false };

test('a client receives nothing until it asks, and its requests are answered in any order', () => {
  const { codec, effects } = new ProtocolClient();
  assert.deepEqual(effects, []);
  assert.equal(codec.answers, false);
});

test('topics are created by name, and the reply names them', () => {
  const client = new ProtocolClient();
  const message = { id: 1, t: 'topic', a: 'create', p: ['topic1', 'topic2', 'topicN'] };
  assert.deepEqual(client.ask(message), {
    type: 'create',
    topics: [{ name: 'topic1' }, { name: 'topic2' }, { name: 'topicN' }],
  });
  assert.equal(
    client.succeed(message, { type: 'created', topics: ['topic1', 'topic2', 'topicN'] }),
    '{"id":1,"refid":1,"t":"topic","a":"create","s":0,"p":["topic1","topic2","topicN"]}',
  );
});

test('the list has one element for each partition', () => {
  const client = new ProtocolClient();
  const message = { id: 23, t: 'topic', a: 'list' };
  assert.deepEqual(client.ask(message), { type: 'list' });
  assert.equal(
    client.show(message, { type: 'listed', topics: [{ topic: 'topic2', partitions: 2 }] }),
    '{"id":1,"refid":23,"t":"topic","a":"list","s":0,"p":[{"topic":"topic2","partition":0},{"topic":"topic2","partition":1}]}',
  );
});

test('a subscription names topics and the consumer group to join', () => {
  const client = new ProtocolClient();
  const message = subscribe({ t: ['topic1', 'topic2'], consumer_group: 'ingestion_1' });
  assert.deepEqual(client.ask(message), {
    type: 'subscribe',
    subscription: { topics: ['topic1', 'topic2'], group: 'ingestion_1', ...plain },
  });
  assert.equal(
    client.succeed(message, { type: 'subscribed', topics: ['topic1', 'topic2'] }),
    '{"id":1,"refid":1000,"t":"topic","a":"subscribe","p":["topic1","topic2"],"s":0}',
  );
});

test('without a consumer group, or with an empty one, the group of the endpoint is used', () => {
  for (const extra of [{}, { consumer_group: '' }, { consumer_group: null }]) {
    assert.deepEqual(new ProtocolClient().ask(subscribe({ t: ['topic1'], ...extra })), {
      type: 'subscribe',
      subscription: { topics: ['topic1'], ...plain },
    });
  }
});

test('the end of a subscription is answered without a payload', () => {
  const client = new ProtocolClient();
  const message = { id: 1300, t: 'topic', a: 'unsubscribe' };
  assert.deepEqual(client.ask(message), { type: 'unsubscribe' });
  assert.equal(client.succeed(message, { type: 'done' }), '{"id":1,"refid":1300,"t":"topic","a":"unsubscribe","s":0}');
});

test('health lists the sockets with their topics', () => {
  const client = new ProtocolClient();
  const message = { id: 1500, t: 'health' };
  assert.deepEqual(client.ask(message), { type: 'health' });
  const consumers = [
    { ws: 1, topics: ['topic1', 'topic2'] },
    { ws: 2, topics: [] },
  ];
  assert.equal(
    client.show(message, { type: 'health', consumers }),
    '{"id":1,"refid":1500,"t":"health","s":0,"p":{"consumers":[{"ws":1,"topics":["topic1","topic2"]},{"ws":2,"topics":[]}]}}',
  );
});

test('a topic may be created with partitions, copies and settings, beside others by name', () => {
  const settings = { 'retention.ms': 60000, 'cleanup.policy': 'compact', 'unclean.leader.election.enable': false };
  const p = ['plain', { topic: 'rich', partitions: 6, replication: 3, config: settings }, { topic: 'poor' }];
  assert.deepEqual(new ProtocolClient().ask({ id: 1, t: 'topic', a: 'create', p }), {
    type: 'create',
    topics: [
      { name: 'plain' },
      {
        name: 'rich',
        partitions: 6,
        replication: 3,
        config: { 'retention.ms': '60000', 'cleanup.policy': 'compact', 'unclean.leader.election.enable': 'false' },
      },
      { name: 'poor' },
    ],
  });
});

test('a subscription may name one topic without a list, and duplicates count once', () => {
  for (const t of ['one', ['one'], ['one', 'one']]) {
    assert.deepEqual(new ProtocolClient().ask(subscribe({ t })), {
      type: 'subscribe',
      subscription: { topics: ['one'], ...plain },
    });
  }
});

test('a subscription says where it starts, how it commits, its credit, and whether it waits', () => {
  const p = { t: ['a'], from: 'earliest', commit: 'manual', credit: 0, wait: true };
  assert.deepEqual(new ProtocolClient().ask(subscribe(p)), {
    type: 'subscribe',
    subscription: { topics: ['a'], from: 'earliest', commit: 'manual', credit: 0, wait: true },
  });
});

test('a subscription may start at offsets, with or without the word', () => {
  const offsets = { a: { 0: 1200, 11: 0 }, b: { 2: Number.MAX_SAFE_INTEGER } };
  for (const from of [offsets, { offsets }]) {
    const request = new ProtocolClient().ask(subscribe({ t: ['a', 'b'], from }));
    assert.deepEqual(request.type === 'subscribe' && request.subscription.from, { offsets });
  }
  const request = new ProtocolClient().ask(subscribe({ t: ['offsets'], from: { offsets: { 0: 7 } } }));
  assert.deepEqual(request.type === 'subscribe' && request.subscription.from, { offsets: { offsets: { 0: 7 } } });
});

test('the default commit mode of subscriptions is a setting of the codec', () => {
  const commitOf = (config: unknown, extra: object) => {
    const request = new ProtocolClient(config).ask(subscribe({ t: ['a'], ...extra }));
    return request.type === 'subscribe' ? request.subscription.commit : undefined;
  };
  assert.equal(commitOf({}, {}), 'auto');
  assert.equal(commitOf({ commit: 'manual' }, {}), 'manual');
  assert.equal(commitOf({ commit: 'manual' }, { commit: 'auto' }), 'auto');
});

test('a client may commit all its records, or up to given offsets', () => {
  const positions = [{ topic: 'a', partition: 0, offset: 12 }];
  for (const p of [undefined, null]) {
    assert.deepEqual(new ProtocolClient().ask({ id: 1, t: 'topic', a: 'commit', p }), { type: 'commit' });
  }
  assert.deepEqual(new ProtocolClient().ask({ id: 1, t: 'topic', a: 'commit', p: positions }), {
    type: 'commit',
    positions,
  });
});

test('a client may seek, pause, resume, and grant credit', () => {
  const client = new ProtocolClient();
  const positions = [
    { topic: 'a', partition: 0, offset: 0 },
    { topic: 'a', partition: 1, offset: 7 },
  ];
  assert.deepEqual(client.ask({ id: 1, t: 'topic', a: 'seek', p: positions }), { type: 'seek', positions });
  assert.deepEqual(client.ask({ id: 2, t: 'topic', a: 'pause' }), { type: 'pause' });
  assert.deepEqual(client.ask({ id: 3, t: 'topic', a: 'resume' }), { type: 'resume' });
  assert.deepEqual(client.ask({ id: 4, t: 'topic', a: 'credit', p: 100 }), { type: 'grant', records: 100 });
  assert.deepEqual(client.ask({ id: 5, t: 'topic', a: 'credit', p: { n: 100 } }), { type: 'grant', records: 100 });
  assert.equal(
    client.succeed({ id: 6, t: 'topic', a: 'credit', p: 1 }, { type: 'done' }),
    '{"id":1,"refid":6,"t":"topic","a":"credit","s":0}',
  );
});

test('a failure has a reason, a code, and whether a retry may help', () => {
  const rejection = { code: 'TG_TOPIC_MISSING', message: 'there is no topic "a"', retryable: false };
  assert.equal(
    new ProtocolClient().fail(subscribe({ t: ['a'] }), rejection),
    '{"id":1,"refid":1000,"t":"topic","a":"subscribe","s":1,"p":"there is no topic \\"a\\"","code":"TG_TOPIC_MISSING","retryable":false}',
  );
});

test('the id of a request may be any JSON value and comes back unchanged; without one it is null', () => {
  for (const id of [0, -1.5, 'any_id', '', '0000', true, null, { a: [1] }, ['x'], 'x'.repeat(256)]) {
    const reply = JSON.parse(new ProtocolClient().succeed({ id, t: 'topic', a: 'pause' }, { type: 'done' }) ?? '');
    assert.deepEqual(reply.refid, id);
  }
  const reply = JSON.parse(new ProtocolClient().succeed({ t: 'topic', a: 'pause' }, { type: 'done' }) ?? '');
  assert.equal(reply.refid, null);
});

test('each reply has an id of its own, also when answers come in another order', () => {
  const client = new ProtocolClient();
  const first = requested(client.send({ id: 'first', t: 'topic', a: 'list' })).correlation;
  const second = requested(client.send({ id: 'second', t: 'topic', a: 'pause' })).correlation;
  const refused = client.refusal({ id: 'third', t: 'nothing' }).reply;
  const reply = (correlation: unknown) =>
    JSON.parse(
      String(client.protocol.answered(client.state, correlation, { ok: true, result: { type: 'done' } }, NOW)?.data),
    );
  const replies = [refused, reply(second), reply(first)];
  assert.deepEqual(
    replies.map(({ id, refid }) => [id, refid]),
    [
      [1, 'third'],
      [2, 'second'],
      [3, 'first'],
    ],
  );
});

test('a client gets only the records of its subscription', () => {
  const { codec, state } = new ProtocolClient();
  assert.equal(codec.record(undefined as never, NOW), null);
  assert.equal(codec.dropped(3, NOW), null);
  assert.equal(codec.settled(state, undefined, null, NOW), null);
});

test('topic names follow the same rule as in the configuration', () => {
  const units = fc.constantFrom(...'aZ09._-', ' ', '/', 'é', '\u0000', '\ud800', ':', '@', '[', '`', '{');
  const names = fc.oneof(
    fc.string({ unit: units, maxLength: 4 }),
    fc.constantFrom('.', '..', '...', 'x'.repeat(249), 'x'.repeat(250), ''),
  );
  fc.assert(
    fc.property(names, (name) => {
      assert.equal(isTopicName(name), topicName().safeParse(name).success);
    }),
  );
});

test('every message of docs/topic-protocol.md is understood', () => {
  const path = import.meta.url.includes('/dist/') ? '../../../../docs/' : '../../../docs/';
  const page = readFileSync(new URL(`${path}topic-protocol.md`, import.meta.url), 'utf8');
  const lines = [...page.matchAll(/```json\n(.*?)```/gs)].flatMap(([, code = '']) => code.trim().split('\n'));
  // What the gateway sends has a refid, is a list, or asks for a token.
  const sent = lines
    .map((line) => JSON.parse(line))
    .filter((message) => !Array.isArray(message) && !('refid' in message) && message.a !== 'expired');
  assert.ok(sent.length >= 12);
  for (const message of sent) {
    const [effect] = new ProtocolClient({}, true).send(message);
    assert.equal(effect?.type, message.t === 'token' ? 'renew' : 'request', JSON.stringify(message));
  }
});
