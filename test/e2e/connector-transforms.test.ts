import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Batch } from '../../src/core/batch.ts';
import { lastHeader } from '../../src/core/headers.ts';
import { Message } from '../../src/core/message.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { recordsOf, startConnect } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

const PACKAGE = 'org.apache.kafka.connect.transforms.';

/** A feed that sends these messages to each client. */
const feedOf = (t: Parameters<typeof FeedServer.start>[0], ...messages: string[]) =>
  FeedServer.start(t, {
    greet: ({ ws }) => {
      for (const message of messages) ws.send(message);
    },
  });

const sourceOf = (url: string, more: object) => ({
  'connector.class': 'WebSocketSource',
  'websocket.url': url,
  'kafka.topic': 'trades',
  'value.converter': 'json',
  ...more,
});

const ROUTED = {
  transforms: 'mask,route',
  'transforms.mask.type': `${PACKAGE}MaskField$Value`,
  'transforms.mask.fields': 'account',
  'transforms.route.type': `${PACKAGE}RegexRouter`,
  'transforms.route.regex': '(.*)',
  'transforms.route.replacement': '$1.masked',
};

async function contentOf(gateway: Gateway, topic: string, count: number): Promise<Message[]> {
  let records: Message[] = [];
  const { admin } = gateway.context.log;
  await until(
    async () => {
      if ((await admin.describe(topic)) !== undefined) records = await recordsOf(gateway, topic);
      return records.length >= count;
    },
    45_000,
    () => `${topic} has ${records.length} records`,
  );
  return records;
}

describe('a source with transforms', () => {
  test('writes what they make of its messages to the topic that they choose', async (t) => {
    const feed = await feedOf(t, '{"id":9007199254740993,"account":"7"}', '{"id":2,"account":"8"}');
    const { api, gateway } = await startConnect(t);
    const config = sourceOf(feed.url, { ...ROUTED, 'websocket.record.key': '${! json.id }' });
    assert.equal((await api.call('POST', '/connectors', { name: 'x', config })).status, 201);
    const records = await contentOf(gateway, 'trades.masked', 2);
    assert.deepEqual(
      records.map(({ key, text }) => [String(key), text]),
      [
        ['9007199254740993', '{"id":9007199254740993,"account":""}'],
        ['2', '{"id":2,"account":""}'],
      ],
    );
    const { body } = await api.until('/connectors/x/topics', (said) => said.body.x.topics.length > 0);
    assert.deepEqual(body.x.topics, ['trades.masked']);
    assert.equal(await gateway.context.log.admin.describe('trades'), undefined);
  });

  test('fails with a trace that names the transform, unless its errors are tolerated', async (t) => {
    const feed = await feedOf(t, '"text"', '{"account":"7"}');
    const { api, gateway } = await startConnect(t);
    const config = sourceOf(feed.url, ROUTED);
    await api.call('POST', '/connectors', { name: 'x', config });
    const failed = await api.until('/connectors/x/status', ({ body }) => body.tasks?.[0]?.state === 'FAILED');
    const expected = /transforms.mask: Only Map objects supported .* \[mask fields\], found: java.lang.String/;
    assert.match(failed.body.tasks[0].trace, expected);
    assert.equal(failed.body.connector.state, 'RUNNING');
    const errors = { 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' };
    await api.call('PUT', '/connectors/x/config', { ...config, ...errors });
    const [record] = await contentOf(gateway, 'trades.masked', 1);
    assert.equal(record?.text, '{"account":""}');
    const [letter] = await contentOf(gateway, 'dead', 1);
    assert.equal(letter?.text, '"text"');
    assert.match(String(lastHeader(letter?.headers ?? [], 'tidegate-error-message')), expected);
  });

  test('is refused with every mistake in them', async (t) => {
    const { api } = await startConnect(t);
    const transforms = { ...ROUTED, 'transforms.mask.fields': '', 'transforms.route.regex': '(?=a)' };
    const { status, body } = await api.call('POST', '/connectors', {
      name: 'x',
      config: sourceOf('ws://h', transforms),
    });
    assert.equal(status, 400);
    assert.match(body.message, /contains the following 2 error\(s\):\n.*fields: Empty list\n.*look-ahead/);
  });
});

test('a sink with transforms sends what they make of its records, and commits those that they drop', async (t) => {
  const feed = await FeedServer.start(t);
  const { api, gateway } = await startConnect(t);
  const { log } = gateway.context;
  await log.admin.create({ name: 'orders' });
  const messages = ['{"a":1.0}', '{"a":2}', '{"a":9007199254740993}'].map(
    (text, at) => new Message(Buffer.from(text), { headers: at === 1 ? [['internal', '1']] : [] }),
  );
  gateway.context.topic('orders').write(new Batch(messages));
  const config = {
    'connector.class': 'WebSocketSink',
    topics: 'orders',
    'websocket.url': feed.url,
    'value.converter': 'json',
    transforms: 'f,i',
    'transforms.f.type': `${PACKAGE}Filter`,
    'transforms.f.predicate': 'p',
    'transforms.i.type': `${PACKAGE}InsertField$Value`,
    'transforms.i.offset.field': 'offset',
    predicates: 'p',
    'predicates.p.type': `${PACKAGE}predicates.HasHeaderKey`,
    'predicates.p.name': 'internal',
  };
  await api.call('POST', '/connectors', { name: 's', config });
  const connection = await feed.connection(1);
  await connection.until(() => connection.received.length === 2);
  assert.deepEqual(connection.received, ['{"a":1.0,"offset":0}', '{"a":9007199254740993,"offset":2}']);
  await api.until('/connectors/s/offsets', ({ body }) => body.offsets?.[0]?.offset?.kafka_offset === 3);
});
