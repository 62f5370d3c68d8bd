import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, inFlightOf } from './parts.ts';

const refusal = () => new TidegateError('TG_MESSAGE_INVALID', 'refused');
const stopping = () => new TidegateError('TG_STOPPING', 'over');

test('a batch of which nothing was refused goes on as it came', () => {
  const { inFlight } = inFlightOf();
  const batch = batchOf(...new SettleLog().messages(2));
  assert.equal(inFlight.admit(batch), batch);
});

test('a batch of which everything was refused goes on empty, and gives all of its credit back', () => {
  const { inFlight, told } = inFlightOf();
  const log = new SettleLog();
  const messages = log.messages(2);
  for (const message of messages) message.refusal = refusal();
  assert.deepEqual(inFlight.admit(batchOf(...messages)).messages, []);
  assert.deepEqual(log.outcomes, ['TG_MESSAGE_INVALID', 'TG_MESSAGE_INVALID']);
  assert.deepEqual([inFlight.size, inFlight.gate.messages, inFlight.gate.bytes, told.emptied], [0, 0, 0, 1]);
});

test('a message that has its cost already keeps it; one that has none gets its size', () => {
  const { inFlight } = inFlightOf();
  const [known, unknown] = new SettleLog().messages(2);
  assert.ok(known !== undefined && unknown !== undefined);
  known.cost = 7;
  inFlight.admit(batchOf(known, unknown));
  assert.deepEqual([known.cost, unknown.cost], [7, unknown.size]);
  assert.equal(inFlight.gate.bytes, 7 + unknown.size);
});

test('the observer still sees a message in flight while it lands, and hears once that nothing is left', () => {
  const sizes: number[] = [];
  const { inFlight, told } = inFlightOf();
  const log = new SettleLog();
  const [one, two] = log.messages(2);
  assert.ok(one !== undefined && two !== undefined);
  inFlight.admit(batchOf(one, two));
  const landed = told.settled.push.bind(told.settled);
  told.settled.push = (entry) => {
    sizes.push(inFlight.size);
    return landed(entry);
  };
  one.ack();
  assert.deepEqual([sizes, inFlight.size, told.emptied], [[2], 1, 0]);
  two.derive({}).ack();
  assert.deepEqual([sizes, inFlight.size, told.emptied], [[2, 1], 0, 1]);
});

test('nackBehind nacks what was admitted behind a message, not the message and nothing in front of it', () => {
  const { inFlight } = inFlightOf();
  const log = new SettleLog();
  const messages = log.messages(4);
  inFlight.admit(batchOf(...messages));
  inFlight.nackBehind(messages[1]?.derive({}) ?? assert.fail(), stopping());
  assert.deepEqual(
    [...log.byToken],
    [
      [2, ['TG_STOPPING']],
      [3, ['TG_STOPPING']],
    ],
  );
  assert.deepEqual(
    messages.map(({ isSettled }) => isSettled),
    [false, false, true, true],
  );
});

test('nackBehind of the first message spares that one alone, and of one that is not in flight does nothing', () => {
  const { inFlight } = inFlightOf();
  const log = new SettleLog();
  const messages = log.messages(3);
  inFlight.admit(batchOf(...messages));
  inFlight.nackBehind(log.message('never admitted'), stopping());
  assert.deepEqual(log.outcomes, []);
  inFlight.nackBehind(messages[0] ?? assert.fail(), stopping());
  assert.deepEqual([...log.byToken.keys()], [1, 2]);
});

test('a failure policy is asked with the message and its failure, and what it takes over is not settled', () => {
  const asked: unknown[] = [];
  const { inFlight, told } = inFlightOf(undefined, (message, failure) => {
    asked.push([message, failure]);
    return true;
  });
  const log = new SettleLog();
  const message = log.message('a');
  const failure = refusal();
  inFlight.admit(batchOf(message));
  message.nack(failure);
  assert.deepEqual([asked, log.outcomes, told.settled, inFlight.size], [[[message, failure]], [], [], 1]);
});

test('a frame that its codec refused fails as it is admitted; the rest of its batch goes on in order', () => {
  const { inFlight, told } = inFlightOf();
  const messages = ['a', 'b', 'c'].map((text) => new Message(Buffer.from(text)));
  const refusal = new TidegateError('TG_MESSAGE_INVALID', 'no');
  if (messages[1] !== undefined) messages[1].refusal = refusal;
  const admitted = inFlight.admit(new Batch(messages));
  assert.deepEqual(
    admitted.messages.map(({ text }) => text),
    ['a', 'c'],
  );
  assert.deepEqual(
    told.settled.map(([message, failure]) => [message.text, failure]),
    [['b', refusal]],
  );
  assert.equal(inFlight.size, 2);
});
