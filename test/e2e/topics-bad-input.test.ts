import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

type Mistake = [name: string, frame: string | Buffer | object, reply: object, reason: RegExp];

const NOT_READ = { refid: null };

/** The reply is `s: 1` with what is given here, its reason, and TG_MESSAGE_INVALID where no other code does. */
const MISTAKES: Mistake[] = [
  ['text that is not JSON', 'hello', NOT_READ, /not JSON/],
  ['a list', '[{"id":1,"t":"health"}]', NOT_READ, /each in a frame of its own/],
  ['a number', '7', NOT_READ, /send an object/],
  ['a binary frame', Buffer.from('{"id":1,"t":"health"}'), NOT_READ, /text frames/],
  ['an id that is too long', { id: 'x'.repeat(300), t: 'health' }, NOT_READ, /at most 256/],
  ['no t', { id: 1, a: 'list' }, { refid: 1 }, /t is missing/],
  ['an unknown t', { id: 2, t: 'topics', a: 'list' }, { refid: 2 }, /"topics" is unknown/],
  ['a t that is no text', { id: 3, t: 7 }, { refid: 3 }, /t must be a text/],
  ['no a', { id: 4, t: 'topic' }, { refid: 4, t: 'topic' }, /a is missing/],
  ['an unknown a', { id: 5, t: 'topic', a: 'drop' }, { refid: 5, t: 'topic' }, /"drop" is unknown.*subscribe/],
  ['a notif without a', { id: 6, t: 'notif', p: { t: 'x', m: 1 } }, { refid: 6, t: 'notif' }, /send create/],
  ['no p to create', { id: 7, t: 'topic', a: 'create' }, { refid: 7, t: 'topic', a: 'create' }, /list of topics/],
  ['no p to subscribe', { id: 8, t: 'topic', a: 'subscribe' }, { refid: 8, a: 'subscribe' }, /must be an object/],
  [
    'a slip of the pen in p',
    { id: 9, t: 'topic', a: 'subscribe', p: { t: 'x', group: 'g' } },
    { refid: 9 },
    /unknown field "group".*consumer_group/,
  ],
  [
    'a name that Kafka refuses',
    { id: 10, t: 'topic', a: 'subscribe', p: { t: 'a b' } },
    { refid: 10, code: 'TG_TOPIC_INVALID' },
    /no topic "a b"/,
  ],
  [
    'a name that Kafka refuses, to create',
    { id: 11, t: 'topic', a: 'create', p: ['fine', '..'] },
    { refid: 11, code: 'TG_TOPIC_INVALID' },
    /p\[1\]/,
  ],
  ['an unknown start', { id: 12, t: 'topic', a: 'subscribe', p: { t: 'x', from: 'now' } }, { refid: 12 }, /p\.from/],
  ['a notif without p', { id: 13, t: 'notif', a: 'create' }, { refid: 13, t: 'notif', a: 'create' }, /p is missing/],
  [
    'a notif without m',
    { id: 14, t: 'notif', a: 'create', p: { t: 'x' } },
    { refid: 14 },
    /p\.m, the message to publish, is missing/,
  ],
  ['a notif without t', { id: 15, t: 'notif', a: 'create', p: { m: 1 } }, { refid: 15 }, /p\.t is missing/],
  ['a key of numbers', { id: 16, t: 'notif', a: 'create', p: { t: 'x', m: 1, key: 7 } }, { refid: 16 }, /p\.key/],
  [
    'headers of numbers',
    { id: 17, t: 'notif', a: 'create', p: { t: 'x', m: 1, headers: { a: 1 } } },
    { refid: 17 },
    /"a"/,
  ],
  ['an ack that is no switch', { id: 18, t: 'notif', a: 'create', ack: 1, p: { t: 'x', m: 1 } }, { refid: 18 }, /ack/],
  [
    'a credit of none',
    { id: 20, t: 'topic', a: 'credit', p: 0 },
    { refid: 20, a: 'credit' },
    /the number of records to add/,
  ],
  ['a seek to nowhere', { id: 21, t: 'topic', a: 'seek', p: [{ topic: 'x' }] }, { refid: 21 }, /partition/],
  [
    'a subscription needed',
    { id: { any: ['value'] }, t: 'topic', a: 'pause' },
    { refid: { any: ['value'] }, t: 'topic', a: 'pause', code: 'TG_NOT_SUBSCRIBED' },
    /subscribe first/,
  ],
];

test('every mistake of a topic client is answered, and its socket stays usable', async (t) => {
  const service = await requireKafka(t);
  if (service === undefined) return;
  const env = { KAFKA_BROKERS: service.brokers };
  const gateway = await startGateway(t, { config: 'config/examples/topics.yaml', env });
  const kafka = await KafkaAdmin.connect(t, service.brokers);
  await gateway.ready();
  const client = await TopicsClient.open(gateway.port);

  for (const [name, frame, expected, reason] of MISTAKES) {
    await t.test(name, async () => {
      const before = client.replies.length;
      const isRaw = typeof frame === 'string' || Buffer.isBuffer(frame);
      client.client.ws.send(isRaw ? frame : JSON.stringify(frame));
      await client.until(() => client.replies.length > before);
      const { s, p, code, retryable, ...rest } = client.replies.at(-1) ?? {};
      const { code: wanted = 'TG_MESSAGE_INVALID', ...fields } = expected as { code?: string };
      assert.deepEqual([s, code, retryable], [1, wanted, false]);
      assert.match(String(p), reason);
      assert.deepEqual({ ...rest, ...fields }, rest, 'it names the request');
      assert.ok('refid' in rest && rest.id !== undefined);
      if (fields === NOT_READ) assert.deepEqual(Object.keys(rest).sort(), ['id', 'refid']);
    });
  }

  await t.test('a payload over the limit of its topic, of the broker, with and without "ack"', async () => {
    const [small, normal] = [uniqueTopic('small'), uniqueTopic('normal')];
    const spec = { topic: small, config: { 'max.message.bytes': 2_000 } };
    assert.equal((await client.topic('create', [spec, normal])).s, 0);
    const large = await client.publish(small, 'x'.repeat(5_000));
    assert.deepEqual([large.s, large.code, large.retryable], [1, 'TG_RECORD_TOO_LARGE', false]);
    assert.match(String(large.p), /2000/);
    client.say({ id: 'quiet', t: 'notif', a: 'create', p: { t: small, m: 'x'.repeat(5_000) } });
    client.say({ id: 'good', t: 'notif', a: 'create', ack: true, p: { t: small, m: 'x' } });
    assert.equal((await client.replyTo('quiet')).code, 'TG_RECORD_TOO_LARGE');
    assert.equal((await client.replyTo('good')).s, 0);
    const huge = await client.publish(normal, 'x'.repeat(1_500_000));
    assert.deepEqual([huge.s, huge.code], [1, 'TG_RECORD_TOO_LARGE']);
    assert.equal((await client.publish(normal, 'x'.repeat(1_000_000))).s, 0);
  });

  await t.test('publishing to what does not exist', async () => {
    const topic = uniqueTopic('nowhere');
    const missing = await client.publish(topic, 'x');
    assert.deepEqual([missing.s, missing.code], [1, 'TG_TOPIC_MISSING']);
    assert.match(String(missing.p), new RegExp(topic));
    await client.topic('create', [topic]);
    assert.equal((await client.publish(topic, 'x')).s, 0, 'and once it does');
  });

  await t.test('a setting that Kafka does not know', async () => {
    const topic = uniqueTopic('strange');
    const reply = await client.topic('create', [{ topic, config: { 'retention.days': 'three' } }]);
    assert.deepEqual([reply.s, reply.code], [1, 'TG_TOPIC_INVALID']);
    assert.match(String(reply.p), /retention\.days/);
    const number = await client.topic('create', [{ topic, config: { 'retention.days': 3 } }]);
    assert.deepEqual([number.s, number.code], [1, 'TG_NOT_ALLOWED']);
    assert.match(String(number.p), /clients cannot set retention\.days here/);
  });

  await t.test('after all of them the same socket does everything else', async () => {
    const topic = uniqueTopic('usable');
    assert.equal((await client.topic('create', [{ topic, partitions: 1 }])).s, 0);
    assert.equal((await client.topic('subscribe', { t: topic, consumer_group: topic, from: 'earliest' })).s, 0);
    assert.equal((await client.publish(topic, 'still here')).s, 0);
    await client.receives(1);
    assert.deepEqual(client.contents, ['still here']);
    await kafka.commits(topic, topic, [1]);
    assert.equal(client.closed, undefined);
  });

  await t.test('each mistake is counted by its reason', async () => {
    const { body } = await gateway.get('/metrics');
    for (const reason of ['not_json', 'shape', 'binary', 'id', 'type', 'action', 'payload', 'topic'])
      assert.match(body, new RegExp(`tidegate_frames_rejected_total\\{[^}]*reason="${reason}"`));
  });
});

test('invalid UTF-8 and a frame over the limit close only the socket of the client that sent them', async (t) => {
  const service = await requireKafka(t);
  if (service === undefined) return;
  const env = { KAFKA_BROKERS: service.brokers };
  const gateway = await startGateway(t, { config: 'config/examples/topics.yaml', env });
  await gateway.ready();
  const [garbled, huge, other] = await Promise.all([1, 2, 3].map(() => TopicsClient.open(gateway.port)));
  garbled?.client.ws.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false });
  huge?.client.ws.send('x'.repeat(20_000_000));
  await garbled?.until(() => garbled.closed !== undefined);
  await huge?.until(() => huge.closed !== undefined);
  assert.deepEqual([garbled?.closed?.code, huge?.closed?.code], [1007, 1009]);
  assert.equal((await other?.topic('list'))?.s, 0);
});
