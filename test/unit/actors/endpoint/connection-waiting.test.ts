import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from '../../../../src/actors/endpoint/answers.ts';
import { endpointRig, turn } from '../rig.ts';

test('frames from before a client is let in are kept, taken then in their order, and reading goes on', async (t) => {
  const { endpoint, connect, messages } = endpointRig(t, { replay: { last: 1, bytes: 1_000 } });
  endpoint.historyBegins();
  const socket = await connect();
  for (const word of ['a', 'b']) socket.sends(word);
  await turn();
  assert.deepEqual([socket.orders, messages().length, socket.taken()], [['pause'], 0, []]);
  endpoint.historyIsRead();
  await turn();
  assert.deepEqual(
    messages().map(({ text }) => text),
    ['a', 'b'],
  );
  assert.deepEqual([socket.orders, socket.taken()], [['pause', 'resume'], ['welcome you|']]);
  socket.sends('c');
  await turn();
  assert.equal(messages().length, 3);
});

test('requests have numbers from 1 on, since -1 means that no client waits, and are answered once', () => {
  const answers = new Answers({ isOpen: true, untakenAnswers: 0, isTurnFull: false, push: () => {} });
  assert.deepEqual(
    ['a', 'b', 'c'].map((correlation) => answers.remember(correlation)),
    [1, 2, 3],
  );
  assert.deepEqual(
    [answers.recall(2), answers.recall(2), answers.recall(1), answers.recall(9)],
    ['b', undefined, 'a', undefined],
  );
});
