import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { MessageSample, type SampleOptions } from '../../../src/pipelines/message-sample.ts';
import { compileCondition } from '../../../src/sdk/expression.ts';

function sampleOf(changes: Partial<SampleOptions> = {}) {
  const time = { now: 0 };
  const shown: string[] = [];
  const failures: string[] = [];
  const sample = new MessageSample({
    perSecond: 3,
    show: ({ text }) => void shown.push(text),
    failed: (reason) => void failures.push(reason),
    ended: () => {},
    elapsed: () => time.now,
    ...changes,
  });
  return { sample, shown, failures, time };
}

const messages = (...texts: string[]) => texts.map((text) => new Message(Buffer.from(text)));

test('so many messages of a second are shown, and the others counted', () => {
  const { sample, shown, time } = sampleOf();
  sample.observe(messages('a', 'b'));
  sample.observe(messages('c', 'd', 'e'));
  time.now = 999;
  sample.observe(messages('f'));
  assert.deepEqual(shown, ['a', 'b', 'c']);
  assert.equal(sample.takeSkipped(), 3);
  assert.equal(sample.takeSkipped(), 0);
  time.now = 1_000;
  sample.observe(messages('g'));
  assert.deepEqual(shown, ['a', 'b', 'c', 'g']);
});

test('looking takes a twentieth of the time at most, whatever a filter costs', () => {
  const time = { now: 0 };
  let looks = 0;
  const slow = {
    ...compileCondition('${! json.a = 1 }'),
    evaluate: () => {
      looks += 1;
      time.now += 20;
      return false;
    },
  };
  const { sample } = sampleOf({ filter: slow, elapsed: () => time.now });
  sample.observe(messages('a', 'b'));
  sample.observe(messages('c', 'd', 'e'));
  assert.equal(looks, 3);
  assert.equal(sample.takeSkipped(), 2);
  time.now = 1_100;
  sample.observe(messages('f'));
  assert.equal(looks, 4);
});

test('a filter picks messages, also one that is asynchronous, and a failure is reported once', async () => {
  for (const condition of ['${! json.n > 1 }', '${! $number(json.n) > 1 }']) {
    const { sample, shown, failures } = sampleOf({ filter: compileCondition(condition) });
    sample.observe(messages('{"n":1}', '{"n":2}', '{"n":"x"}', '{"n":"y"}', '{"n":3}'));
    for (let turn = 0; turn < 50 && (shown.length < 2 || failures.length === 0); turn += 1)
      await new Promise(setImmediate);
    assert.deepEqual(shown, ['{"n":2}', '{"n":3}']);
    assert.equal(failures.length, 1);
  }
});

test('of a filter that does not end its answers only some messages wait', () => {
  const { sample, shown } = sampleOf({
    perSecond: 1_000,
    filter: { ...compileCondition('${! json.a = 1 }'), evaluate: () => new Promise(() => {}) },
  });
  sample.observe(messages(...Array.from({ length: 100 }, () => 'a')));
  assert.equal(sample.takeSkipped(), 36);
  assert.deepEqual(shown, []);
});

test('a record that is read again to rebuild state is not shown again', () => {
  const { sample, shown } = sampleOf();
  const [one] = messages('a');
  if (one !== undefined) one.isReplayed = true;
  sample.observe(one === undefined ? [] : [one]);
  assert.deepEqual([shown, sample.takeSkipped()], [[], 0]);
});
