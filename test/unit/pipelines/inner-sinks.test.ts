import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { builtinRegistry } from '../../../src/config/builtins.ts';
import type { Sink } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message, type Outcome } from '../../../src/core/message.ts';
import { stdoutSinkTo } from '../../../src/pipelines/sinks/stdout.ts';
import type { HandClock } from '../core/hand-clock.ts';
import { batchOf, fakeContext, type KeptTopic, settled, texts } from './parts.ts';

const registry = builtinRegistry();

function sinkOf(name: string, config: unknown) {
  const { context, topics } = fakeContext();
  const spec = registry.find('sink', name);
  assert.ok(spec);
  const sink: Sink = spec.create(spec.config.parse(config), context);
  const topic = (which: string): KeptTopic => {
    const found = topics.get(which);
    assert.ok(found, which);
    return found;
  };
  return { sink, topic, topics, context };
}

/** A message of which it is written down what became. */
function tracked(json: object, ends: string[]) {
  const payload = JSON.stringify(json);
  return new Message(Buffer.from(payload), {
    target: {
      settled: ({ outcome }: { outcome: Outcome }, failure) =>
        ends.push(`${payload} ${failure === null ? outcome : failure.code}`),
    },
  });
}

const refusal = () => new TidegateError('TG_RECORD_TOO_LARGE', 'too large');

test('route takes the first sink whose condition is true, keeps the order, and counts what none takes', async () => {
  const { sink, topic, context } = sinkOf('route', [
    { when: '${! json.n > 3 }', sink: { topic: { name: 'large' } } },
    { when: '${! json.n > 1 }', sink: { topic: { name: 'middle' } } },
  ]);
  const ends: string[] = [];
  sink.write(batchOf(...[5, 2, 1, 4, 3].map((n) => tracked({ n }, ends))));
  await settled();
  assert.deepEqual(texts(topic('large').messages), ['{"n":5}', '{"n":4}']);
  assert.deepEqual(texts(topic('middle').messages), ['{"n":2}', '{"n":3}']);
  assert.deepEqual(ends, ['{"n":1} filtered']);
  const place = 'pipelines.p.x';
  assert.equal(context.stats.counter('tidegate_route_unmatched_total', { place }).value, 1);
  const written = context.stats.counter('tidegate_sink_written_total', { place: `${place}.route[1].sink.topic` });
  assert.equal(written.value, 2);
});

test('route keeps the order where conditions answer later, and fails what a condition fails for', async () => {
  const { sink, topic } = sinkOf('route', [
    { when: '${! $sum([$number(json.n)]) > 1 }', sink: { topic: { name: 'large' } } },
    { sink: { topic: { name: 'rest' } } },
  ]);
  const ends: string[] = [];
  sink.write(batchOf(tracked({ n: 2 }, ends), tracked({ n: 'x' }, ends), tracked({ n: 1 }, ends)));
  sink.write(batchOf(tracked({ n: 3 }, ends)));
  await settled();
  await settled();
  assert.deepEqual(texts(topic('large').messages), ['{"n":2}', '{"n":3}']);
  assert.deepEqual(texts(topic('rest').messages), ['{"n":1}']);
  assert.deepEqual(ends, ['{"n":"x"} TG_EXPRESSION_FAILED']);
});

test('route reports what a sink throws also for a batch that has waited for the turn of an earlier one', async () => {
  const { sink, topic } = sinkOf('route', [
    { when: '${! json.now }', sink: { topic: { name: 'a' } } },
    { when: '${! $sum(json.n) }', sink: { topic: { name: 'b' } } },
  ]);
  topic('a').write = () => {
    throw new Error('broken by the test');
  };
  const broken: string[] = [];
  sink.failed$?.subscribe(({ code }) => broken.push(code));
  sink.write(batchOf(tracked({ n: 1 }, [])));
  sink.write(batchOf(tracked({ now: true }, [])));
  await settled();
  sink.write(batchOf(tracked({ n: 2 }, [])));
  await settled();
  assert.deepEqual([broken, texts(topic('b').messages)], [['TG_FLOW_FAILED'], ['{"n":1}', '{"n":2}']]);
  assert.throws(() => sink.write(batchOf(tracked({ now: true }, []))), /broken by the test/);
});

test('the dead letter of a routed message has the key that its own sink would give it', () => {
  const { sink } = sinkOf('route', [
    { when: '${! json.a }', sink: { topic: { name: 'a', key: '${! json.a }' } } },
    { sink: { topic: { name: 'b', key: '${! json.b }' } } },
  ]);
  assert.equal(sink.keyOf?.(tracked({ a: 'x' }, [])), 'x');
  assert.equal(sink.keyOf?.(tracked({ b: 'y' }, [])), 'y');
});

test('all acks a message when every sink has it, with a key of its own in each', () => {
  const { sink, topic } = sinkOf('all', [{ topic: { name: 'a', key: 'one' } }, { topic: { name: 'b', key: 'two' } }]);
  const ends: string[] = [];
  const message = tracked({ n: 1 }, ends);
  sink.write(batchOf(message));
  const [a] = topic('a').messages;
  const [b] = topic('b').messages;
  assert.deepEqual([a?.key, b?.key, message.key], ['one', 'two', null]);
  a?.ack();
  assert.deepEqual(ends, []);
  b?.ack();
  assert.deepEqual(ends, ['{"n":1} stored']);
});

test('all fails a message that one of the sinks refuses, once the others have settled it, too', () => {
  const { sink, topic } = sinkOf('all', [{ topic: { name: 'a' } }, { topic: { name: 'b' } }]);
  const ends: string[] = [];
  sink.write(batchOf(tracked({ n: 1 }, ends)));
  topic('a').messages[0]?.nack(refusal());
  assert.deepEqual(ends, []);
  topic('b').messages[0]?.ack();
  assert.deepEqual(ends, ['{"n":1} TG_RECORD_TOO_LARGE']);
});

test('first hands on what a sink refuses, as one batch in order, and fails what the last one refuses', async () => {
  const { sink, topic, context } = sinkOf('first', [{ topic: { name: 'a' } }, { topic: { name: 'b' } }]);
  const ends: string[] = [];
  sink.write(batchOf(tracked({ n: 1 }, ends), tracked({ n: 2 }, ends), tracked({ n: 3 }, ends)));
  const [one, two, three] = topic('a').messages;
  one?.nack(refusal());
  two?.ack();
  three?.nack(refusal());
  await settled();
  assert.deepEqual(ends, ['{"n":2} stored']);
  assert.equal(topic('b').batches.length, 1);
  assert.deepEqual(texts(topic('b').messages), ['{"n":1}', '{"n":3}']);
  topic('b').messages[0]?.ack();
  topic('b').messages[1]?.nack(refusal());
  assert.deepEqual(ends.slice(1), ['{"n":1} stored', '{"n":3} TG_RECORD_TOO_LARGE']);
  assert.equal(context.stats.counter('tidegate_sink_fallbacks_total', { place: 'pipelines.p.x' }).value, 2);
});

test('first tries nothing more for a gateway that stops, or for a message that its pipeline gave up', async () => {
  const { sink, topic } = sinkOf('first', [{ topic: { name: 'a' } }, { topic: { name: 'b' } }]);
  const ends: string[] = [];
  const given = tracked({ n: 2 }, ends);
  sink.write(batchOf(tracked({ n: 1 }, ends), given));
  given.nack(new TidegateError('TG_FLOW_FAILED', 'broke'));
  topic('a').messages[0]?.nack(new TidegateError('TG_STOPPING', 'stops'));
  topic('a').messages[1]?.nack(refusal());
  await settled();
  assert.equal(topic('b').batches.length, 0);
  assert.deepEqual(ends, ['{"n":2} TG_FLOW_FAILED', '{"n":1} TG_STOPPING']);
});

test('sinks within sinks settle a message once, whatever is within what', async () => {
  const { sink, topic } = sinkOf('all', [
    { first: [{ topic: { name: 'a' } }, 'drop'] },
    { route: [{ when: '${! json.n = 1 }', sink: { topic: { name: 'b' } } }] },
  ]);
  const ends: string[] = [];
  sink.write(batchOf(tracked({ n: 1 }, ends), tracked({ n: 2 }, ends)));
  for (const message of topic('a').messages) message.nack(refusal());
  await settled();
  assert.deepEqual(ends, ['{"n":2} filtered']);
  topic('b').messages[0]?.ack();
  assert.deepEqual(ends, ['{"n":2} filtered', '{"n":1} stored']);
});

test('messages go to the topics that they name, each topic in order, and a name that cannot be one fails', async () => {
  const { sink, topic } = sinkOf('topic', { name: 'orders-${! json.r }', key: '${! json.r }' });
  const ends: string[] = [];
  await sink.open();
  sink.write(batchOf(...['eu', 'us', 'eu'].map((r, n) => tracked({ r, n }, ends)), tracked({ n: 3 }, ends)));
  sink.write(batchOf(tracked({ r: 'eu', n: 4 }, ends)));
  await settled();
  assert.deepEqual(texts(topic('orders-eu').messages), ['{"r":"eu","n":0}', '{"r":"eu","n":2}', '{"r":"eu","n":4}']);
  assert.deepEqual(topic('orders-us').messages[0]?.key, 'us');
  assert.deepEqual(ends, ['{"n":3} TG_TOPIC_INVALID']);
  await sink.close();
});

test('a sink writes to as many topics as it may, refuses internal ones, and forgets those that get nothing', async () => {
  const { sink, topics, context } = sinkOf('topic', {
    name: '${! json.t }',
    topics: { max: 2, close_after: '1m' },
  });
  const ends: string[] = [];
  const write = async (t: string) => {
    sink.write(batchOf(tracked({ t }, ends)));
    await settled();
  };
  await sink.open();
  for (const name of ['a', 'b', 'c', '__x']) await write(name);
  assert.deepEqual(ends, ['{"t":"c"} TG_TOPIC_INVALID', '{"t":"__x"} TG_TOPIC_INVALID']);
  topics.get('a')?.messages[0]?.ack();
  (context.clock as HandClock).advance(60_000);
  await write('c');
  assert.equal(topics.get('c')?.messages.length, 1, 'a is closed, and b still has a message in flight');
  await write('d');
  assert.equal(ends.at(-1), '{"t":"d"} TG_TOPIC_INVALID');
  await sink.close();
});

test('messages for a topic that does not exist fail where it may not be created', async () => {
  const { sink, topics } = sinkOf('topic', { name: '${! json.t }', topics: { create: false } });
  const ends: string[] = [];
  await sink.open();
  sink.write(batchOf(tracked({ t: 'a' }, ends)));
  await settled();
  sink.write(batchOf(tracked({ t: 'a' }, ends)));
  assert.deepEqual(ends, ['{"t":"a"} TG_TOPIC_MISSING', '{"t":"a"} TG_TOPIC_MISSING']);
  assert.equal(topics.size, 0);
  await sink.close();
});

test('what waits for a topic when its sink is closed is not written, and the topic is looked up anew', async () => {
  const { sink, topics, context } = sinkOf('topic', { name: '${! json.t }' });
  const answers: ((isThere: boolean) => void)[] = [];
  const ensure = () => new Promise<boolean>((resolve) => answers.push(resolve));
  Object.assign(context.gateway.namedTopics, { ensure });
  const ends: string[] = [];
  await sink.open();
  sink.write(batchOf(tracked({ t: 'a', n: 1 }, ends)));
  await sink.close();
  await sink.open();
  sink.write(batchOf(tracked({ t: 'a', n: 2 }, ends)));
  answers[0]?.(true);
  await settled();
  assert.deepEqual([topics.size, ends], [0, ['{"t":"a","n":1} TG_STOPPING']]);
  answers[1]?.(true);
  await settled();
  assert.deepEqual(texts(topics.get('a')?.messages ?? []), ['{"t":"a","n":2}']);
  await sink.close();
});

test('standard output gets a line for each message, and a message is acked when its line is taken', async () => {
  const lines: string[] = [];
  const taken: (() => void)[] = [];
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      taken.push(done);
    },
  });
  const spec = stdoutSinkTo(() => output);
  const sink = spec.create({}, fakeContext().context);
  const ends: string[] = [];
  sink.write(batchOf(tracked({ n: 1 }, ends), new Message(Buffer.from('a\nb')), new Message(Buffer.from([0xff]))));
  sink.write(batchOf(tracked({ n: 2 }, ends)));
  assert.deepEqual([lines, ends, sink.idle], [['{"n":1}\n"a\\nb"\n"/w=="\n'], [], false]);
  taken.shift()?.();
  await settled();
  assert.deepEqual([lines.length, ends], [2, ['{"n":1} stored']]);
  taken.shift()?.();
  await settled();
  assert.deepEqual([ends.length, sink.idle], [2, true]);
});
