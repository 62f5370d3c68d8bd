import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Payloads } from '../../../../src/actors/endpoint/payloads.ts';
import type { SharedBytes } from '../../../../src/core/shared-bytes.ts';
import type { TopicView } from '../../../../src/core/topic-request.ts';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Payloads whose pieces take a millisecond each; `made`: how many pieces were made so far. */
function setUp(t: TestContext, pieces: (view: TopicView) => readonly string[]) {
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  const made: string[] = [];
  const payloads = new Payloads(function* (view) {
    for (const piece of pieces(view)) {
      if (piece === '!') throw new Error('codec bug');
      now += 1;
      made.push(piece);
      yield piece;
    }
  });
  const given: string[] = [];
  const got: (SharedBytes | Error)[] = [];
  const want = (view: TopicView) =>
    payloads.want(view, (one) => {
      got.push(one);
      given.push(one instanceof Error ? one.message : one.bytes.toString());
    });
  return { want, made, given, got };
}

const view = (name: string): TopicView => ({ name }) as unknown as TopicView;

test('a payload is made in a later turn, in slices of 5 ms', async (t) => {
  const { want, made, given } = setUp(t, () => [...'abcdefghijkl']);
  want(view('v'));
  assert.equal(made.length, 0);
  for (const pieces of [5, 10]) {
    await nextTurn();
    assert.deepEqual([made.length, given], [pieces, []]);
  }
  await nextTurn();
  assert.deepEqual([made.length, given], [12, ['abcdefghijkl']]);
});

test('a payload that several ask for is made once, and is the same for all', async (t) => {
  const { want, made, got } = setUp(t, () => ['x', 'y']);
  const one = view('one');
  want(one);
  want(one);
  await nextTurn();
  want(one);
  await nextTurn();
  assert.deepEqual([made.length, got.length], [2, 3]);
  assert.equal(got[0], got[1]);
  assert.equal(got[0], got[2]);
});

test('payloads are made one after the other, in the order in which they were asked for', async (t) => {
  const { want, given } = setUp(t, (of) => [...(of as unknown as { name: string }).name]);
  for (const name of ['abc', 'd', 'efghij']) want(view(name));
  await nextTurn();
  assert.deepEqual(given, ['abc', 'd']);
  await nextTurn();
  await nextTurn();
  assert.deepEqual(given, ['abc', 'd', 'efghij']);
});

test('a payload that was made when its time was over is given, and the next one has its turn', async (t) => {
  const { want, given } = setUp(t, (of) => [...(of as unknown as { name: string }).name]);
  for (const name of ['abcd', 'efgh']) want(view(name));
  await nextTurn();
  assert.deepEqual(given, ['abcd']);
  await nextTurn();
  assert.deepEqual(given, ['abcd', 'efgh']);
});

test('an error of the codec goes to its caller, and the next payload is made from its beginning', async (t) => {
  const { want, given } = setUp(t, (of) => [...(of as unknown as { name: string }).name]);
  for (const name of ['a!', 'bc']) want(view(name));
  await nextTurn();
  await nextTurn();
  assert.deepEqual(given, ['codec bug', 'bc']);
});
