import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import { OwnedPartition } from '../../../../src/transports/kafka/group/owned-partition.ts';

const commitAt = (offset: number | undefined) => (offset === undefined ? undefined : { offset });

function setUp(start = 5, committed: number | undefined = undefined) {
  let settled = 0;
  const owned = new OwnedPartition({ topic: 't', partition: 3 }, { offset: start }, commitAt(committed), (one) => {
    assert.equal(one, owned);
    settled += 1;
  });
  const enter = (...offsets: number[]) =>
    offsets.map((offset) => {
      const message = new Message(Buffer.from('x'), { offset, token: offset, target: owned.target });
      owned.enter(message);
      return message;
    });
  return { owned, enter, settled: () => settled };
}

const FAILURE = new TidegateError('TG_MESSAGE_INVALID', 'no');

describe('a partition that a member owns', () => {
  test('can commit what is settled in front of the first hole', () => {
    const { owned, enter, settled } = setUp();
    assert.deepEqual([owned.topic, owned.partition, owned.committable, owned.unsettled], ['t', 3, 5, 0]);
    const [a, b, c] = enter(5, 6, 8);
    assert.deepEqual([owned.committable, owned.unsettled], [5, 3]);
    b?.ack();
    assert.deepEqual([owned.committable, owned.unsettled, settled()], [5, 3, 1]);
    a?.ack();
    assert.deepEqual([owned.committable, owned.unsettled], [7, 1]);
    c?.nack(FAILURE);
    assert.deepEqual([owned.committable, owned.unsettled, settled()], [7, 1, 2], 'what failed holds it back');
  });

  for (const [what, end] of [
    ['after a seek', (owned: OwnedPartition) => owned.restart(5)],
    ['in another topic of the name', (owned: OwnedPartition) => owned.beginAnew(5)],
    ['once it is given up', (owned: OwnedPartition) => owned.release()],
  ] as const)
    test(`takes no settling from before ${what}`, () => {
      const { owned, enter, settled } = setUp();
      const [a] = enter(5);
      end(owned);
      a?.ack();
      assert.deepEqual([owned.committable, settled()], [5, 0]);
    });

  test('begins again at an offset, with nothing in flight and the same commit', () => {
    const { owned, enter } = setUp(5, 5);
    enter(5, 6);
    owned.restart(2);
    assert.deepEqual([owned.committable, owned.unsettled, owned.committed?.offset], [2, 0, 5]);
    enter(2)[0]?.ack();
    assert.equal(owned.committable, 3);
  });

  test('is still ours where the group shows what we have committed, or may have', () => {
    const { owned } = setUp(5, 5);
    const ours = (...offsets: (number | undefined)[]) => offsets.map((offset) => owned.isStillOurs(commitAt(offset)));
    assert.deepEqual(ours(undefined, 4, 5, 6), [false, false, true, false]);
    owned.attempted = { offset: 6 };
    assert.deepEqual(ours(undefined, 4, 5, 6), [false, false, true, true]);
    owned.beginAnew(0);
    assert.deepEqual(ours(undefined, 0, 5, 6), [true, false, false, false], 'nothing of the new topic');
  });

  test('tells its state where it begins, where it begins anew, and that it is not ours any more', () => {
    const told: unknown[] = [];
    const note = { replay: 3, watermark: 1, through: 2 };
    const state = {
      assigned: (_: unknown, committed: number, before: unknown) => {
        told.push(committed, before);
        return before === undefined ? committed : 3;
      },
      note: () => note,
      revoked: () => void told.push('revoked'),
    };
    const place = { topic: 't', partition: 3 };
    const owned = new OwnedPartition(place, { offset: 5, note }, { offset: 5, note }, () => {}, state);
    assert.deepEqual([owned.start, owned.committable, owned.commit(4)], [3, 5, undefined]);
    owned.restart(4);
    assert.deepEqual([owned.committable, owned.commit(5)], [5, { offset: 5, note }], 'a seek leaves the state alone');
    owned.startOver(1);
    assert.deepEqual([owned.committable, owned.committed?.offset, owned.commit(1)], [1, 5, { offset: 1, note }]);
    owned.beginAnew(0);
    assert.deepEqual([owned.committable, owned.committed], [0, undefined]);
    owned.release();
    assert.deepEqual(told, [5, note, 1, undefined, 0, undefined, 'revoked']);
  });
});
