import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { websocketClientSource } from '../../../src/feeds/source-component.ts';
import { log } from '../../../src/pipelines/processors/log.ts';
import { endpointSink } from '../../../src/pipelines/sinks/endpoint.ts';
import { topicSink } from '../../../src/pipelines/sinks/topic.ts';
import { endpointSource } from '../../../src/pipelines/sources/endpoint.ts';
import { topicSource } from '../../../src/pipelines/sources/topic.ts';
import { batchOf, fakeContext } from './parts.ts';

/* What components say of themselves to lint, and what they do with what is missing. */

test('endpoints and topics are found by lint where the configuration names them', () => {
  for (const end of [endpointSource, endpointSink])
    assert.deepEqual(end.references?.('rooms'), [{ to: 'endpoint', name: 'rooms', path: [] }]);
  const feed = (config: object) => websocketClientSource.config.parse({ url: 'ws://feed', ...config });
  const gaps = feed({ gap: { topic: 'gaps' } });
  assert.deepEqual(websocketClientSource.references?.(gaps), [{ to: 'topic', name: 'gaps', path: ['gap', 'topic'] }]);
  for (const config of [feed({}), feed({ gap: { record: true } })])
    assert.deepEqual(websocketClientSource.references?.(config), []);
});

test('the topic with the cursors of a feed is internal, where it has one', () => {
  const feed = (config: object) => websocketClientSource.config.parse({ url: 'ws://feed', ...config });
  assert.deepEqual(websocketClientSource.internalTopics?.(feed({})), []);
  const resume = { cursor: '${! json.seq }' };
  assert.deepEqual(websocketClientSource.internalTopics?.(feed({ resume })), ['_tidegate.cursors']);
  assert.deepEqual(websocketClientSource.internalTopics?.(feed({ resume: { ...resume, topic: 'mine' } })), ['mine']);
});

test('who gets what: clients or records, all gateways or one', () => {
  assert.deepEqual([endpointSink.reaches, topicSink.reaches], ['clients', 'records']);
  assert.deepEqual([endpointSource.sharing('e'), websocketClientSource.sharing({} as never)], ['own', 'own']);
});

test('the start of a topic may be a switch, as environment variables of other programs have it', () => {
  const from = (value: unknown) => topicSource.config.safeParse({ names: ['t'], from: value }).data?.from;
  assert.deepEqual(['true', true, 'false', false, undefined, 'earliest'].map(from), [
    'earliest',
    'earliest',
    'latest',
    'latest',
    'latest',
    'earliest',
  ]);
  assert.deepEqual(from({ last: 1 }), { last: 1 });
  assert.deepEqual(from({ timestamp: '2024-01-01T13:00:00+01:00' }), { timestamp: 1_704_110_400_000 });
  for (const wrong of [{ last: 1, more: 1 }, { offsets: { t: { a1: 5 } } }, { timestamp: '2024-01-01T13:00:00' }])
    assert.equal(from(wrong), undefined, JSON.stringify(wrong));
});

test('names and groups are not empty', () => {
  for (const config of [{ names: [] }, { names: ['t'], group: '' }, { names: 't', more: 1 }])
    assert.equal(topicSource.config.safeParse(config).success, false, JSON.stringify(config));
  assert.equal(topicSink.config.safeParse({ name: '' }).success, false);
  const [issue] = topicSource.config.safeParse({ names: ['t'], group: 'g', from: { last: 1 } }).error?.issues ?? [];
  assert.deepEqual(issue?.path, ['from']);
});

test('log says which expression has no value, and of which pipeline', async () => {
  const { context, lines } = fakeContext();
  const processor = log.create(log.config.parse({ text: '${! json.none }' }), context);
  const message = new Message(Buffer.from('{}'));
  assert.equal(await processor.process(message), message);
  assert.deepEqual(
    lines.map(({ text }) => text),
    ['${! json.none } has no value'],
  );
});

test('a topic sink with headers alone leaves the key, and one with a key alone leaves the headers', () => {
  const write = (config: Record<string, unknown>) => {
    const { context, topics } = fakeContext();
    const sink: Sink = topicSink.create(topicSink.config.parse({ name: 't', ...config }), context);
    sink.write(batchOf(new Message(Buffer.from('{"k":"new"}'), { key: 'old', headers: [['h', 'v']] })));
    const written = topics.get('t')?.messages[0];
    return [written?.key, written?.headers];
  };
  assert.deepEqual(write({ headers: { a: 'b' } }), [
    'old',
    [
      ['h', 'v'],
      ['a', 'b'],
    ],
  ]);
  assert.deepEqual(write({ key: '${! json.k }' }), ['new', [['h', 'v']]]);
});

test('a topic sink is idle when its topic is', () => {
  const { context, topics } = fakeContext();
  for (const config of [{ name: 't' }, { name: 't', key: 'k' }]) {
    const sink: Sink = topicSink.create(topicSink.config.parse(config), context);
    const topic = topics.get('t') as { idle: boolean } | undefined;
    assert.ok(topic !== undefined);
    assert.equal(sink.idle, true);
    topic.idle = false;
    assert.equal(sink.idle, false);
    topic.idle = true;
  }
});
