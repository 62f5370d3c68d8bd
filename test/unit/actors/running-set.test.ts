import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Desired, differenceOf, RunningSet, type Unit } from '../../../src/actors/running-set.ts';
import { turn } from './rig.ts';

/** A set of units that are described by key and version, and drain when the test says so. */
function setUp() {
  const orders: string[] = [];
  const ends = new Map<string, () => void>();
  let versions: Readonly<Record<string, number>> = {};
  const create = (name: string): Unit => {
    orders.push(`create ${name}`);
    const drained = new Promise<void>((resolve) => ends.set(name, resolve));
    return {
      drained: () => {
        orders.push(`drain ${name}`);
        return drained;
      },
      close: async () => void orders.push(`close ${name}`),
    };
  };
  const desiredOf = (key: string, version: number): Desired<Unit> => ({
    version,
    create: () => create(`${key}${version}`),
    apply: () => orders.push(`apply ${key}${version}`),
  });
  const set = new RunningSet<Unit>({
    desired: () => new Map(Object.entries(versions).map(([key, version]) => [key, desiredOf(key, version)])),
    removed: (key) => {
      orders.push(`removed ${key}`);
      set.reconcile();
    },
  });
  const want = (next: typeof versions) => {
    versions = next;
    return set.reconcile();
  };
  const ended = async (name: string) => {
    ends.get(name)?.();
    await turn();
  };
  return { set, want, ended, orders: () => orders.splice(0), keys: () => [...set.units.keys()] };
}

test('two sets differ in what is new, what is gone and what has another version', () => {
  const versions = (entries: Readonly<Record<string, number>>) =>
    new Map(Object.entries(entries).map(([key, version]) => [key, { version }]));
  const difference = differenceOf(versions({ same: 1, other: 1, gone: 1 }), versions({ same: 1, other: 2, fresh: 1 }));
  assert.deepEqual(difference, { added: ['fresh'], replaced: ['other'], removed: ['gone'] });
});

test('what is desired is created once, and what did not change is left alone', () => {
  const { want, orders } = setUp();
  assert.deepEqual(want({ a: 1, b: 1 }), { added: ['a', 'b'], replaced: [], removed: [] });
  assert.deepEqual(orders(), ['create a1', 'create b1', 'apply a1', 'apply b1']);
  assert.deepEqual(want({ a: 1, b: 1 }), { added: [], replaced: [], removed: [] });
  assert.deepEqual(orders(), ['apply a1', 'apply b1']);
});

test('a unit that is not desired any more drains, is closed, and is gone only then', async () => {
  const { want, ended, orders, keys } = setUp();
  want({ a: 1, b: 1 });
  orders();
  assert.deepEqual(want({ b: 1 }), { added: [], replaced: [], removed: ['a'] });
  assert.deepEqual(
    [orders(), keys()],
    [
      ['drain a1', 'apply b1'],
      ['a', 'b'],
    ],
  );
  await ended('a1');
  assert.deepEqual([orders(), keys()], [['close a1', 'removed a', 'apply b1'], ['b']]);
});

test('a unit of another version is created when nothing of the one before is left', async () => {
  const { want, ended, orders } = setUp();
  want({ a: 1 });
  orders();
  assert.deepEqual(want({ a: 2 }), { added: [], replaced: ['a'], removed: [] });
  want({ a: 2 });
  assert.deepEqual(orders(), ['drain a1'], 'once, and neither created nor applied meanwhile');
  await ended('a1');
  assert.deepEqual(orders(), ['close a1', 'removed a', 'create a2', 'apply a2']);
});

test('a unit that is desired again while it drains is ended all the same, and created anew', async () => {
  const { want, ended, orders } = setUp();
  want({ a: 1 });
  want({});
  orders();
  want({ a: 1 });
  assert.deepEqual(orders(), []);
  await ended('a1');
  assert.deepEqual(orders(), ['close a1', 'removed a', 'create a1', 'apply a1']);
});

test('a unit that is dropped is closed without draining, also while it drains, and is removed once', async () => {
  const { set, want, ended, orders, keys } = setUp();
  want({ a: 1, b: 1 });
  want({ a: 1 });
  orders();
  set.drop('a');
  set.drop('b');
  assert.deepEqual(
    [orders(), keys()],
    [
      ['close a1', 'close b1'],
      ['a', 'b'],
    ],
  );
  want({});
  await turn();
  await ended('b1');
  assert.deepEqual([orders(), keys()], [['removed a', 'removed b', 'close b1'], []]);
});

test('a set is empty when the last unit is gone', async () => {
  const { set, want, ended } = setUp();
  await set.emptied();
  want({ a: 1 });
  want({});
  let isEmpty = false;
  const emptied = set.emptied().then(() => {
    isEmpty = true;
  });
  await turn();
  assert.equal(isEmpty, false);
  await ended('a1');
  await emptied;
});

test('an end in two steps drains each unit once, keeps all until they are closed, and starts nothing', async () => {
  const { set, want, ended, orders, keys } = setUp();
  want({ a: 1, b: 1 });
  orders();
  const first = set.drained((key) => key === 'a');
  want({ a: 2, c: 1 });
  assert.deepEqual(orders(), ['drain a1']);
  await ended('a1');
  await first;
  const second = set.drained(() => true);
  await ended('b1');
  await second;
  assert.deepEqual([orders(), keys()], [['drain b1'], ['a', 'b']]);
  await set.close();
  assert.deepEqual(
    [orders(), keys()],
    [
      ['close a1', 'close b1'],
      ['a', 'b'],
    ],
  );
  await set.emptied();
});

test('a close waits for all units, also if one of them fails', async () => {
  let isClosed = false;
  const failing: Unit = { drained: async () => {}, close: async () => Promise.reject(new Error('no')) };
  const slow: Unit = {
    drained: async () => {},
    close: async () => {
      await turn();
      isClosed = true;
    },
  };
  const units = { failing, slow };
  const set = new RunningSet<Unit>({
    desired: () => new Map(Object.entries(units).map(([key, unit]) => [key, { version: 1, create: () => unit }])),
    removed: () => {},
  });
  set.reconcile();
  await set.close();
  assert.equal(isClosed, true);
});
