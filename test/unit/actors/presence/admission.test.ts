import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from '../../../../src/actors/presence/admission.ts';
import type { Newcomer, Order } from '../../../../src/actors/presence/port.ts';

function setUp() {
  const asked: string[] = [];
  const answers: ((number: number) => void)[] = [];
  const wanted: (() => boolean)[] = [];
  const admission = new Admission({
    number: (answer, isWanted) => {
      asked.push('number');
      answers.push(answer);
      wanted.push(isWanted);
    },
    claim: (seq, { name }, isWanted) => {
      asked.push(`claim ${seq} ${name}`);
      wanted.push(isWanted);
    },
    bury: (seq) => asked.push(`bury ${seq}`),
  });
  return { admission, asked, answers, wanted };
}

const named = (name: string): Newcomer => ({
  identity: { type: 'named', name, details: {}, taken: { code: 1003, reason: 'taken' } },
});
const numbered = (): Newcomer => ({ identity: { type: 'numbered', prefix: 'n-' } });
const hello =
  (content: string) =>
  (to: Newcomer): Order => ({ type: 'direct', to, from: 'x', content });

test('newcomers wait until the room is open, and come in their order', () => {
  const { admission, asked } = setUp();
  for (const name of ['b', 'a', 'c']) admission.join(named(name));
  assert.deepEqual(asked, []);
  admission.open();
  assert.deepEqual(asked, ['claim 1 b', 'claim 2 a', 'claim 3 c']);
  admission.shut();
  admission.join(named('d'));
  assert.equal(asked.length, 3);
});

test('a newcomer that wants a number claims the one that it gets, and is in when that is read back', () => {
  const { admission, asked, answers } = setUp();
  admission.open();
  const newcomer = numbered();
  admission.join(newcomer);
  answers[0]?.(7);
  assert.deepEqual(asked, ['number', 'claim 1 n-7']);
  assert.deepEqual([admission.isIn(newcomer), admission.member(1), admission.members], [false, undefined, []]);
  assert.deepEqual(admission.won(1), { newcomer, early: [] });
  assert.deepEqual([admission.isIn(newcomer), admission.member(1), admission.members], [true, newcomer, [newcomer]]);
});

test('one who leaves while its number is asked for writes nothing, and one who leaves later takes it back', () => {
  const { admission, asked, answers, wanted } = setUp();
  admission.open();
  const [early, late, member] = [numbered(), named('late'), named('member')];
  for (const newcomer of [early, late, member]) admission.join(newcomer);
  admission.won(2);
  assert.deepEqual(
    wanted.map((isWanted) => isWanted()),
    [true, true, false],
  );
  for (const newcomer of [early, late, member, member]) admission.leave(newcomer);
  answers[0]?.(1);
  assert.deepEqual(asked, ['number', 'claim 1 late', 'claim 2 member', 'bury 1', 'bury 2']);
  assert.deepEqual([admission.won(1), admission.lost(1), admission.members], [undefined, undefined, []]);
  assert.deepEqual(
    wanted.map((isWanted) => isWanted()),
    [false, false, false],
  );
});

test('a claim that came second is taken back: a name is refused, a number is asked for again', () => {
  const { admission, asked, answers } = setUp();
  admission.open();
  const [ann, guest] = [named('ann'), numbered()];
  admission.join(ann);
  admission.join(guest);
  answers[0]?.(1);
  assert.equal(admission.lost(1), ann);
  assert.equal(admission.lost(2), undefined);
  answers[1]?.(2);
  assert.deepEqual(asked, ['claim 1 ann', 'number', 'claim 2 n-1', 'bury 1', 'bury 2', 'number', 'claim 3 n-2']);
  assert.equal(admission.won(3)?.newcomer, guest);
  admission.leave(ann);
  assert.equal(asked.length, 7, 'who was refused has nothing to take back');
});

test('orders that come before their member was read back wait for it, but not without bound', () => {
  const { admission } = setUp();
  admission.open();
  const ann = named('ann');
  admission.join(ann);
  admission.orderEarly(7, hello('nobody'));
  for (let count = 0; count < 1_000; count += 1) admission.orderEarly(1, hello(String(count)));
  const early = admission.won(1)?.early ?? [];
  assert.deepEqual([early.length, early[0]], [100, hello('0')(ann)]);
  admission.orderEarly(1, hello('late'));
  assert.equal(admission.won(1)?.early.length, 0);
});

test('after a fencing nothing is known of those who were there', () => {
  const { admission, asked, answers } = setUp();
  admission.open();
  const [asking, claiming, member] = [numbered(), named('claiming'), named('member')];
  for (const newcomer of [asking, claiming, member]) admission.join(newcomer);
  admission.won(2);
  admission.forget();
  answers[0]?.(1);
  for (const newcomer of [asking, claiming, member]) admission.leave(newcomer);
  assert.deepEqual([admission.won(1), admission.members, asked.length], [undefined, [], 3]);
  admission.join(named('new'));
  admission.open();
  assert.equal(asked[3], 'claim 3 new');
});
