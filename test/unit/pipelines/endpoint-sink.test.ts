import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import type { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { endpointSink } from '../../../src/pipelines/sinks/endpoint.ts';
import { fakeContext } from './parts.ts';

const failures: string[] = [];
const target = {
  settled: (_: Message, failure: TidegateError | null) => {
    failures.push(failure?.code ?? 'ack');
  },
};

async function channelsFor(channel: unknown, messages: readonly Message[]) {
  const { context, published, delivered } = fakeContext();
  const sink = endpointSink.create(endpointSink.config.parse({ name: 'rooms', channel }), context);
  sink.write(new Batch(messages));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(delivered.length, 0);
  return published.map(({ batch, channels }) => [batch.messages.map(({ text }) => text), channels]);
}

const message = (text: string, key: string | null = null) => new Message(Buffer.from(text), { key, target });

test('without a channel, a sink of an endpoint is for all its clients', () => {
  for (const config of ['rooms', { name: 'rooms' }]) {
    const { context, published, delivered } = fakeContext();
    endpointSink.create(endpointSink.config.parse(config), context).write(new Batch([message('1')]));
    assert.deepEqual([published.length, delivered.length], [0, 1]);
  }
});

test('each record has the name that its expression gives; none where a value is missing', async () => {
  const all = [message('1', 'A'), message('2')];
  assert.deepEqual(await channelsFor('symbol.${! key }', all), [
    [
      ['1', '2'],
      ['symbol.A', undefined],
    ],
  ]);
  assert.deepEqual(await channelsFor('news', [message('1')]), [[['1'], ['news']]]);
});

test('lists of expressions, and expressions that give lists, are lists of names', async () => {
  const list = ['a.${! json.a }', 'b', '${! json.more }'];
  assert.deepEqual(await channelsFor(list, [message('{"a":1,"more":["c",2,["d"]]}')]), [
    [['{"a":1,"more":["c",2,["d"]]}'], [['a.1', 'b', 'c', '2', undefined]]],
  ]);
  assert.deepEqual(await channelsFor('${! json.users }', [message('{"users":["a","b"]}')]), [
    [['{"users":["a","b"]}'], [['a', 'b']]],
  ]);
});

test('numbers are names as they are written; an object or a boolean is none', async () => {
  const all = ['7', '12345678901234567890', 'true', '{"a":1}', 'null'].map((text) => message(text));
  const [[, channels] = []] = await channelsFor('${! json }', all);
  const [seven, long, truth, object, none] = channels as unknown[];
  assert.deepEqual([seven, long, truth, none ?? undefined], ['7', '12345678901234567890', true, undefined]);
  assert.equal(typeof object, 'object');
});

test('a record whose expression fails is nacked, and those beside it go out', async () => {
  failures.length = 0;
  const all = [message('no JSON'), message('{"c":"x"}')];
  assert.deepEqual(await channelsFor('${! json.c }', all), [[['{"c":"x"}'], ['x']]]);
  assert.deepEqual(failures, ['TG_EXPRESSION_FAILED']);
});

test('records keep their order, also behind one whose name is still being computed', async () => {
  const { context, published } = fakeContext();
  const slow = endpointSink.config.parse({
    name: 'rooms',
    channel: '${! $string($map([1], function($n) { $n })) & json }',
  });
  const sink = endpointSink.create(slow, context);
  sink.write(new Batch([message('1')]));
  sink.write(new Batch([message('2')]));
  for (let at = 0; at < 10 && published.length < 2; at += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    published.map(({ batch }) => batch.messages[0]?.text),
    ['1', '2'],
  );
});
