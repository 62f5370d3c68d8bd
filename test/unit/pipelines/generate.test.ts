import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/core/message.ts';
import { generateSource } from '../../../src/pipelines/sources/generate.ts';
import { HandClock } from '../core/hand-clock.ts';
import { fakeContext, settled, texts } from './parts.ts';

function generate(config: object) {
  const { context } = fakeContext();
  const clock = new HandClock();
  const source = generateSource.create(generateSource.config.parse(config), { ...context, clock });
  const made: Message[] = [];
  source.batches$.subscribe(({ messages }) => made.push(...messages));
  return { source, made, clock };
}

test('generate makes a message each interval by the clock it is given, as many as it is to make', async () => {
  const { source, made, clock } = generate({
    payload: { n: '${! meta.number }' },
    key: 'k${! meta.number }',
    count: 3,
  });
  await source.open();
  assert.equal(made.length, 0);
  for (let second = 0; second < 5; second += 1) clock.advance(1_000);
  assert.deepEqual(texts(made), ['{"n":1}', '{"n":2}', '{"n":3}']);
  assert.deepEqual(
    made.map(({ key }) => key),
    ['k1', 'k2', 'k3'],
  );
  await source.close();
});

test('generate makes none while it is paused, and none of that time later', async () => {
  const { source, made, clock } = generate({ payload: 'x', interval: '10ms', batch: 2 });
  await source.open();
  clock.advance(10);
  source.pause();
  clock.advance(1_000);
  assert.equal(made.length, 2);
  source.resume();
  clock.advance(10);
  assert.equal(made.length, 4);
  await source.close();
});

test('generate without an interval goes on as long as it is not paused', async () => {
  const { source, made } = generate({ payload: 'x', interval: 0 });
  await source.open();
  for (let turn = 0; turn < 5; turn += 1) await settled();
  source.pause();
  const before = made.length;
  assert.ok(before >= 200, String(before));
  await settled();
  assert.equal(made.length, before);
});

test('a message of generate whose expression fails, now or later, is refused, and the others are made', async () => {
  const { source, made, clock } = generate({
    payload: '${! $string(1 / (meta.number - 2)) }',
    count: 3,
    interval: '1s',
  });
  await source.open();
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(1_000);
    await settled();
    await settled();
  }
  assert.deepEqual(
    made.map(({ text, refusal }) => refusal?.code ?? text),
    ['-1', 'TG_EXPRESSION_FAILED', '1'],
  );
});
