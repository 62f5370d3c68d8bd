import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { recordKeyOf } from '../../../src/gateway/record-key.ts';
import { compilePaths } from '../../../src/sdk/expression.ts';
import { keptLogger } from '../actors/rig.ts';

const QUEUE = { queue: 1_000 };
const record = (payload: string, key: string | Buffer | null = null) => new Message(Buffer.from(payload), { key });

test('records are asked for a key only where the newest of it waits', () => {
  const { logger } = keptLogger();
  for (const when_full of ['block', 'drop_oldest', 'drop_newest', 'disconnect'] as const)
    assert.equal(recordKeyOf({ ...QUEUE, when_full }, logger), undefined);
});

test('the key of a record is its own, as text, and other bytes are another key', () => {
  const keyOf = recordKeyOf({ ...QUEUE, when_full: 'latest' }, keptLogger().logger);
  assert.ok(keyOf !== undefined);
  const keys = [null, 'a', Buffer.from('a'), Buffer.from('é'), 'é', '', Buffer.from([255, 1]), Buffer.from([254, 1])];
  const found = keys.map((key) => keyOf(record('x', key)));
  assert.deepEqual(found.slice(0, 6), [undefined, 'a', 'a', 'é', 'é', '']);
  assert.equal(new Set(found.slice(6)).size, 2);
});

test('an expression that has no value, or fails, gives no key; the first failure is a warning', () => {
  const { logger, warnings } = keptLogger();
  const keyOf = recordKeyOf({ ...QUEUE, when_full: 'latest', key: compilePaths('${! json.s }') }, logger);
  assert.ok(keyOf !== undefined);
  assert.deepEqual([keyOf(record('{"s":"A"}', 'k')), keyOf(record('{}', 'k')), warnings()], ['A', undefined, []]);
  assert.deepEqual(
    [keyOf(record('{"s":{}}')), keyOf(record('no json')), keyOf(record('{"s":1}'))],
    [undefined, undefined, '1'],
  );
  assert.equal(warnings().length, 1);
  assert.match(warnings()[0] ?? '', /slow_consumer\.key failed for a record/);
});
