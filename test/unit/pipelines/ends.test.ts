import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../../src/core/component.ts';
import type { Header } from '../../../src/core/headers.ts';
import type { Message } from '../../../src/core/message.ts';
import { endpointSink } from '../../../src/pipelines/sinks/endpoint.ts';
import { topicSink } from '../../../src/pipelines/sinks/topic.ts';
import { endpointSource } from '../../../src/pipelines/sources/endpoint.ts';
import { topicSource } from '../../../src/pipelines/sources/topic.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, fakeContext, settled, texts } from './parts.ts';

function topicOf(config: Record<string, unknown>) {
  const { context, topics } = fakeContext();
  const sink: Sink = topicSink.create(topicSink.config.parse({ name: 't', ...config }), context);
  const topic = topics.get('t');
  assert.ok(topic);
  return { sink, topic, log: new SettleLog() };
}

const keys = (messages: readonly Message[]) => messages.map(({ key }) => key);

test('a topic sink without key and headers hands batches on as they are', () => {
  const { sink, topic, log } = topicOf({});
  const batch = batchOf(...log.messages(2));
  sink.write(batch);
  assert.equal(topic.batches[0], batch);
  assert.equal(sink.idle, true);
});

test('a topic sink gives each message the key of its expression, and none where that has no value', () => {
  const { sink, topic, log } = topicOf({ key: '${! meta.client_id }' });
  sink.write(batchOf(log.message('a', { meta: { client_id: 'c1' } }), log.message('b', { key: 'old' })));
  assert.deepEqual(keys(topic.messages), ['c1', null]);
});

test('two orders whose ids differ in the last digit have two keys, and a text with a hole is no key', () => {
  const { sink, topic, log } = topicOf({ key: 'order-${! json.id }' });
  const ids = ['{"id":8389766145050669870}', '{"id":8389766145050669871}', '{}'];
  sink.write(batchOf(...ids.map((body, token) => log.message(body, { token }))));
  assert.deepEqual(keys(topic.messages), ['order-8389766145050669870', 'order-8389766145050669871', null]);
});

test('a topic sink adds headers to those that are there', () => {
  const { sink, topic, log } = topicOf({ headers: { from: 'gate', none: '${! key }' } });
  sink.write(batchOf(log.message('a', { headers: [['h', 'v']] })));
  assert.deepEqual(topic.messages[0]?.headers, [
    ['h', 'v'],
    ['from', 'gate'],
  ]);
  topic.messages[0]?.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('a header of a topic sink takes the place of all of its name, and leaves the others as they are', () => {
  const { sink, topic, log } = topicOf({ headers: { from: 'gate', 1: 'one', none: '${! key }' } });
  const headers: Header[] = [
    ['2', null],
    ['from', 'a'],
    ['1', Buffer.from('x')],
    ['none', 'stays'],
    ['from', 'b'],
    ['2', ''],
  ];
  sink.write(batchOf(log.message('a', { headers })));
  assert.deepEqual(topic.messages[0]?.headers, [
    ['2', null],
    ['from', 'gate'],
    ['1', 'one'],
    ['none', 'stays'],
    ['2', ''],
  ]);
});

test('a message whose key cannot be made is nacked, and the others go on in order', async () => {
  for (const key of ['${! json.k }', '${! json.k & "" }', '${! $join([json.k]) }']) {
    const { sink, topic, log } = topicOf({ key });
    const bodies = ['{"k":"1"}', 'no json', '{"k":"2"}'];
    sink.write(batchOf(...bodies.map((body, token) => log.message(body, { token }))));
    await settled();
    assert.deepEqual(keys(topic.messages), ['1', '2'], key);
    assert.deepEqual([...log.byToken], [[1, ['TG_EXPRESSION_FAILED']]], key);
  }
});

test('an object as key nacks the message', () => {
  const { sink, topic, log } = topicOf({ key: '${! json }' });
  sink.write(batchOf(log.message('{}')));
  assert.deepEqual([topic.messages, log.outcomes], [[], ['TG_EXPRESSION_FAILED']]);
});

test('batches leave in the order they came, also while the key of an earlier one is being worked out', async () => {
  const { sink, topic, log } = topicOf({ key: '${! json.slow ? $join([$string(json.n)]) : json.n & "" }' });
  for (let n = 0; n < 20; n++) sink.write(batchOf(log.message(JSON.stringify({ n, slow: n % 3 === 0 }))));
  await settled();
  assert.deepEqual(
    keys(topic.messages),
    Array.from({ length: 20 }, (_, n) => String(n)),
  );
});

test('a message that was given up while its key was worked out is settled only once', async () => {
  const { sink, topic, log } = topicOf({ key: '${! $join([$string(json.n)]) }', headers: { a: 'b' } });
  const message = log.message('{"n":1}');
  sink.write(batchOf(message));
  message.ack();
  await settled();
  for (const written of topic.messages) written.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('a topic sink names its topic for lint, with the path to it', () => {
  assert.deepEqual(topicSink.references?.(topicSink.config.parse({ name: 't' })), [
    { to: 'topic', name: 't', path: ['name'] },
  ]);
});

test('an endpoint as source passes the orders of its pipeline on', async () => {
  const { context, received, orders, source: _ } = fakeContext();
  const source = endpointSource.create('rooms', context);
  const seen: string[][] = [];
  source.batches$.subscribe((batch) => seen.push(texts(batch.messages)));
  await source.open();
  source.pause();
  source.resume();
  await source.close();
  assert.deepEqual(orders, ['resume', 'pause', 'resume', 'pause']);
  received.next(batchOf(...new SettleLog().messages(1)));
  assert.deepEqual(seen, [['0']]);
  assert.equal(endpointSource.sharing('rooms'), 'own');
});

test('an endpoint as sink delivers every batch at once', () => {
  const { context, delivered } = fakeContext();
  const sink = endpointSink.create('rooms', context);
  const batch = batchOf(...new SettleLog().messages(1));
  sink.write(batch);
  assert.deepEqual(delivered, [batch]);
  assert.equal(sink.idle, true);
});

test('topics without a group are a broadcast, with one they are shared', () => {
  const { context, asked } = fakeContext();
  const read = (config: unknown) => topicSource.config.parse(config);
  const broadcast = read({ names: 'a, b' });
  const shared = read({ names: ['a'], from: 'earliest', group: 'g' });
  topicSource.create(broadcast, context);
  topicSource.create(shared, context);
  assert.deepEqual(asked, [
    { topics: ['a', 'b'], patterns: [], from: 'latest' },
    { topics: ['a'], patterns: [], from: 'earliest', group: 'g' },
  ]);
  assert.deepEqual([topicSource.sharing(broadcast), topicSource.sharing(shared)], ['broadcast', 'shared']);
  assert.deepEqual(topicSource.references?.(broadcast), [
    { to: 'topic', name: 'a', path: ['names', 0] },
    { to: 'topic', name: 'b', path: ['names', 1] },
  ]);
});

test('a topic source starts at its configured position, and a group only at an end', () => {
  const from = (value: unknown, group?: string) =>
    topicSource.config.safeParse({ names: ['a'], from: value, ...(group === undefined ? {} : { group }) });
  assert.deepEqual(from({ last: 5 }).data?.from, { last: 5 });
  assert.deepEqual(from({ timestamp: '2024-01-01T12:00:00Z' }).data?.from, { timestamp: 1_704_110_400_000 });
  assert.deepEqual(from({ offsets: { a: { 0: 4 } } }).data?.from, { offsets: { a: { 0: 4 } } });
  for (const wrong of ['middle', { last: 0 }, { timestamp: 'noon' }, { offsets: { a: { x: 1 } } }, 5])
    assert.equal(from(wrong).success, false, JSON.stringify(wrong));
  assert.equal(from({ last: 5 }, 'g').success, false);
  assert.equal(topicSource.config.safeParse({ names: [] }).success, false);
});
