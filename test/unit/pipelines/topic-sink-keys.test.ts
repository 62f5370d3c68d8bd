import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor, Sink } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { map } from '../../../src/pipelines/processors/map.ts';
import { topicSink } from '../../../src/pipelines/sinks/topic.ts';
import { batchOf, fakeContext, settled, texts } from './parts.ts';

function sinkOf(config: Record<string, unknown>) {
  const { context, topics } = fakeContext();
  const sink: Sink = topicSink.create(topicSink.config.parse({ name: 't', ...config }), context);
  const topic = topics.get('t');
  assert.ok(topic);
  return { sink, topic };
}

test('a topic sink says which key it would give where it has an expression for it, and only there', () => {
  const { sink } = sinkOf({ key: '${! meta.client_id }' });
  assert.equal(sink.keyOf?.(new Message(Buffer.from('a'), { meta: { client_id: 'c1' } })), 'c1');
  assert.equal(sinkOf({ headers: { from: 'gate' } }).sink.keyOf, undefined);
  assert.equal(sinkOf({}).sink.keyOf, undefined);
});

test('batches leave in the order they came, where one is empty too, and later ones wait for nothing', async () => {
  const { sink, topic } = sinkOf({ key: '${! $join([$string(json.k)]) }' });
  sink.write(batchOf(new Message(Buffer.from('{"k":1}'))));
  sink.write(batchOf());
  sink.write(batchOf(new Message(Buffer.from('{"k":2}'))));
  await settled();
  assert.deepEqual(
    topic.batches.map(({ messages }) => texts(messages)),
    [['{"k":1}'], [], ['{"k":2}']],
  );
  sink.write(batchOf());
  assert.equal(topic.batches.length, 4, 'nothing is waited for once all has left');
});

const { context } = fakeContext();
const stamp: Processor = map.create(map.config.parse({ timestamp: '${! json.t }' }), context);

test('a timestamp may be the first millisecond there is, and not one before it', () => {
  const stamped = (t: unknown) => (stamp.process(new Message(Buffer.from(JSON.stringify({ t })))) as Message).timestamp;
  assert.deepEqual([stamped(0), stamped('0'), stamped('1970-01-01T00:00:00.001Z')], [0, 0, 1]);
  for (const t of [-1, 0.5, 'never', '1969-12-31T23:59:59.999Z'])
    assert.throws(() => stamped(t), { code: 'TG_EXPRESSION_FAILED' }, String(t));
});
