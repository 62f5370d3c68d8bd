// Own process: it collects garbage, for which a flag of the whole process is set.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { Message } from '../../../src/core/message.ts';
import { SettleLog } from './settle-log.ts';

/** What two processors make of a message, and what was between them. */
function processed(source: Message): { readonly newest: Message; readonly between: WeakRef<Message> } {
  const mapped = source.derive({ json: { b: 1 } });
  return { newest: mapped.derive({ headers: [['a', 'b']] }), between: new WeakRef(mapped) };
}

test('of a message in flight the source and the newest one are kept, and what was between them is not', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const log = new SettleLog();
  const source = log.message('{"a":1}');
  const { newest, between } = processed(source);
  // A WeakRef holds its target until the turn in which it was made is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(between.deref(), undefined);
  assert.equal(newest.source, source);
  assert.equal(source.isSettled, false);
  source.ack();
  assert.equal(newest.isSettled, true);
  newest.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('each message of a row of derived ones settles the newest, whichever is asked', () => {
  for (const asked of [0, 1, 2, 3]) {
    const log = new SettleLog();
    const row = [log.message('0')];
    for (const key of ['1', '2', '3']) row.push((row.at(-1) as Message).derive({ key }));
    row[asked]?.ack();
    assert.deepEqual(
      row.map(({ isSettled }) => isSettled),
      [true, true, true, true],
    );
    for (const message of row) message.ack();
    assert.deepEqual(log.outcomes, ['ack']);
  }
});

test('a second try, from the source again, takes the duty from what the first try had made', () => {
  const log = new SettleLog();
  const source = log.message('a');
  const first = source.derive({ key: '1' }).derive({ key: '2' });
  const second = source.derive({ key: '3' }).derive({ key: '4' });
  first.ack();
  assert.deepEqual([second.isSettled, log.outcomes], [true, ['ack']]);
  second.ack();
  assert.deepEqual(log.outcomes, ['ack']);
});

test('a message made from one part of a split one does not speak for the whole', () => {
  const log = new SettleLog();
  const whole = log.message('a,b');
  const [one, other] = whole.split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }]);
  one?.derive({ key: 'k' }).derive({ key: 'l' }).ack();
  assert.deepEqual([whole.isSettled, log.outcomes], [false, []]);
  other?.ack();
  assert.deepEqual([whole.isSettled, log.outcomes], [true, ['ack']]);
});

test('the parsed value is let go of once there is another payload, and parsed anew where it is asked for', () => {
  const message = new Message(Buffer.from('{"a":9007199254740993}'));
  const { json, plainJson } = message;
  message.derive({ key: 'k' });
  assert.equal(message.json, json);
  message.derive({ payload: Buffer.from('{}') });
  assert.notEqual(message.plainJson, plainJson);
  assert.notEqual(message.json, json);
  assert.deepEqual(message.json, { a: new ExactNumber('9007199254740993') });
});
