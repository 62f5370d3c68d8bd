import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark } from '../../../../src/core/group-state.ts';
import { Marks } from '../../../../src/pipelines/state/marks.ts';

/** As many as a commit has room for. */
const MOST = 64;

const early = (at: number): Mark => ({ at, isStored: true });
const move = (at: number): Mark => ({ at, watermark: at * 10 });
const noted = (marks: Marks) => marks.from(-1, -1);
const places = (marks: Marks) => noted(marks).map(({ at }) => at);

test('of too many moves the oldest is forgotten, and early releases are not', () => {
  const marks = new Marks();
  for (let at = 0; at < MOST - 2; at += 1) assert.ok(marks.gaveEarly(at));
  for (const at of [100, 101, 102]) marks.moved(at, at * 10);
  assert.deepEqual(places(marks).slice(-3), [MOST - 3, 101, 102]);
  assert.equal(noted(marks).length, MOST);
  assert.equal(marks.gaveEarly(103), undefined);
});

test('what is still to be repeated is kept where there are as many marks as can be noted', () => {
  const before = [move(10), ...Array.from({ length: MOST - 1 }, (_, at) => early(20 + at))];
  const marks = new Marks(before);
  // The records of these marks are gone from the log, and the clock goes on at its end.
  marks.moved(100, 5_000);
  marks.moved(100, 6_000);
  assert.deepEqual(noted(marks), before);
  assert.equal(marks.nextMove(200), 100);
  for (const { at } of before.slice(1)) assert.equal(marks.takeEarlyRelease(200)?.at, at);
  marks.moved(201, 7_000);
  assert.deepEqual(noted(marks), [...before.slice(1), { at: 201, watermark: 7_000 }]);
});

test('a move that comes behind an early release that is still to be repeated is repeated behind it', () => {
  const marks = new Marks([early(20)]);
  marks.moved(20, 300);
  marks.moved(20, 400);
  assert.deepEqual(noted(marks), [early(20), { at: 20, watermark: 400 }]);
  assert.equal(marks.nextMove(30), undefined);
  assert.equal(marks.takeEarlyRelease(30)?.at, 20);
  assert.equal(marks.nextMove(30), 400);
  marks.overtaken(400);
  assert.deepEqual(noted(marks), [early(20)]);
});
