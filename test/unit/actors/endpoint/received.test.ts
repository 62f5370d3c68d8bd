import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Received } from '../../../../src/actors/endpoint/received.ts';
import type { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';

function message(text: string) {
  const outcomes: (string | undefined)[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => void outcomes.push(failure?.code) };
  return { message: new Message(Buffer.from(text), { target }), outcomes };
}

test('what comes while no pipeline reads is refused; between two pipelines it waits for the second', async () => {
  const received = new Received('orders', false);
  const lost = message('lost');
  received.passOn([lost.message]);
  assert.deepEqual(lost.outcomes, ['TG_FLOW_FAILED']);
  const texts: string[] = [];
  const read = () =>
    received.batches$.subscribe(({ messages }) => void texts.push(...messages.map(({ text }) => text)));
  const first = read();
  received.passOn([message('one').message]);
  received.keep();
  first.unsubscribe();
  const between = message('two');
  received.passOn([between.message]);
  read();
  await Promise.resolve();
  received.passOn([message('three').message]);
  assert.deepEqual(texts, ['one', 'two', 'three']);
  assert.deepEqual(between.outcomes, []);
});

test('where no second pipeline comes, what was kept is refused so that it is sent again', () => {
  const received = new Received('orders', false);
  received.keep();
  const kept = message('kept');
  received.passOn([kept.message]);
  assert.deepEqual(kept.outcomes, []);
  received.refuseKept();
  assert.deepEqual(kept.outcomes, ['TG_FLOW_FAILED']);
  const next = message('next');
  received.passOn([next.message]);
  assert.deepEqual(next.outcomes, ['TG_FLOW_FAILED']);
});
