import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupState } from '../../../src/core/group-state.ts';
import { Message } from '../../../src/core/message.ts';
import { isKnown, isSameCommit } from '../../../src/transports/group-commit.ts';
import { GroupFlight, Replay } from '../../../src/transports/replay.ts';

const PLACE = { topic: 't', partition: 2 };
const NOTE = { replay: 3, watermark: 40, through: 50 };

/** Asks for a start, and notes the answer. */
function stateFrom(start: number) {
  const calls: unknown[] = [];
  const state: GroupState = {
    assigned: (...told) => {
      calls.push(['assigned', ...told]);
      return start;
    },
    note: (...asked) => {
      calls.push(['note', ...asked]);
      return NOTE;
    },
    revoked: (place) => void calls.push(['revoked', place]),
  };
  return { state, calls };
}

describe('what a member reads again', () => {
  test('comes from the state, and is in front of the committed offset', () => {
    const { state, calls } = stateFrom(3);
    const replay = new Replay(state, { ...PLACE }, { offset: 5, note: NOTE });
    assert.deepEqual(calls, [['assigned', PLACE, 5, NOTE]]);
    assert.deepEqual([replay.start, replay.has(4), replay.has(5)], [3, true, false]);
    assert.deepEqual([replay.settledFrom(3), replay.settledFrom(9)], [5, 9]);
    const messages = [4, 5].map((offset) => new Message(Buffer.from('x'), { offset }));
    replay.mark(messages);
    assert.deepEqual(
      messages.map(({ isReplayed }) => isReplayed),
      [true, false],
    );
    assert.deepEqual(replay.commit(7), { offset: 7, note: NOTE });
    assert.equal(replay.isOver, false);
    replay.revoked();
    assert.equal(replay.isOver, true);
    assert.deepEqual(calls.slice(1), [
      ['note', PLACE, 7],
      ['revoked', PLACE],
    ]);
  });

  test('never begins behind the committed offset, or records would be lost', () => {
    assert.equal(new Replay(stateFrom(9).state, PLACE, { offset: 5 }).start, 5);
  });

  test('is nothing without state, also where its commit has a note', () => {
    const replay = new Replay(undefined, PLACE, { offset: 5, note: NOTE });
    assert.deepEqual(
      [replay.start, replay.has(0), replay.settledFrom(2), replay.commit(5)],
      [5, false, 2, { offset: 5 }],
    );
  });

  test('must be handed over and settled before anything is committed', () => {
    const flight = new GroupFlight(new Replay(stateFrom(3).state, PLACE, { offset: 5, note: NOTE }), 3);
    assert.equal(flight.commit(3), undefined);
    for (const offset of [3, 4, 5, 6]) flight.enter(offset);
    assert.deepEqual([flight.unsettled, flight.committable], [2, 5]);
    for (const offset of [5, 4]) flight.settle(offset);
    assert.deepEqual([flight.commit(7), flight.committable], [undefined, 6]);
    flight.settle(3);
    assert.deepEqual(flight.commit(7), { offset: 6, note: NOTE });
  });

  test('is committed as far as the state says, or not at all yet', () => {
    const { state } = stateFrom(5);
    const flight = new GroupFlight(
      new Replay({ ...state, committable: (_, settled) => (settled > 6 ? settled - 1 : undefined) }, PLACE, {
        offset: 5,
      }),
      5,
    );
    for (const offset of [5, 6]) flight.enter(offset);
    flight.settle(5);
    assert.equal(flight.commit(7), undefined);
    flight.settle(6);
    assert.deepEqual(flight.commit(7), { offset: 6, note: NOTE });
  });

  test('is over too where compaction has removed its last records', () => {
    const flight = new GroupFlight(new Replay(stateFrom(3).state, PLACE, { offset: 5, note: NOTE }), 3);
    flight.enter(3);
    flight.settle(3);
    assert.equal(flight.commit(4), undefined);
    assert.deepEqual(flight.commit(5), { offset: 5, note: NOTE });
  });
});

describe('what is refused after it counted as settled', () => {
  const flightOf = (...offsets: number[]) => {
    const flight = new GroupFlight(new Replay(undefined, PLACE, { offset: 5 }), 5);
    for (const offset of offsets) flight.enter(offset);
    for (const offset of offsets) flight.settle(offset);
    return flight;
  };

  test('is not committed until it is settled again', () => {
    const flight = flightOf(5, 6, 7);
    assert.deepEqual(flight.commit(8), { offset: 8 });
    assert.deepEqual([flight.readinessOf(6), flight.readinessOf(8)], ['ready', 'early']);
    flight.reopen(6);
    assert.deepEqual([flight.readinessOf(6), flight.isSettled, flight.commit(8)], ['refused', false, { offset: 6 }]);
    assert.deepEqual([flight.readinessOf(5), flight.readinessOf(7)], ['ready', 'early']);
    flight.settle(6);
    assert.deepEqual([flight.readinessOf(7), flight.isSettled, flight.commit(8)], ['early', true, { offset: 8 }]);
    assert.equal(flight.readinessOf(7), 'ready');
  });

  test('holds the commit back for good where it has failed', () => {
    const flight = flightOf(5, 6);
    flight.fail(5);
    assert.deepEqual(flight.commit(7), { offset: 7 }, 'what was never refused is settled');
    flight.reopen(5);
    flight.fail(5);
    assert.deepEqual([flight.readinessOf(5), flight.commit(7)], ['failed', { offset: 5 }]);
  });
});

test('a commit is known where offset and note are the same; one without a note leaves the note alone', () => {
  const known = { offset: 5, note: NOTE };
  assert.equal(isKnown({ offset: 5, note: { ...NOTE } }, known), true);
  for (const field of ['replay', 'watermark', 'through'] as const)
    assert.equal(isKnown({ offset: 5, note: { ...NOTE, [field]: 1 } }, known), false, field);
  assert.deepEqual([isKnown({ offset: 6, note: NOTE }, known), isKnown(known, undefined)], [false, false]);
  assert.deepEqual([isKnown({ offset: 5 }, known), isKnown({ offset: 6 }, known)], [true, false]);
  assert.deepEqual([isSameCommit({ offset: 5 }, known), isSameCommit(undefined, undefined)], [false, true]);
  assert.deepEqual([isSameCommit(known, undefined), isSameCommit(undefined, known)], [false, false]);
});
