import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SavedState } from '../../../src/gateway/saved-state.ts';
import type { CursorStore, SavedCursor } from '../../../src/sdk/context.ts';
import { HandClock } from '../core/hand-clock.ts';

function setUp() {
  const kept = new Map<string, SavedCursor>();
  const calls: string[] = [];
  let failure: Error | undefined;
  const store: CursorStore = {
    load: async (name) => {
      calls.push(`load ${name}`);
      if (failure !== undefined) throw failure;
      return kept.get(name);
    },
    save: async (name, cursor) => {
      calls.push(`save ${name}`);
      kept.set(name, cursor);
    },
  };
  let opened = 0;
  const open = () => {
    opened += 1;
    return store;
  };
  const owner = { path: 'pipelines.p.sink', clock: new HandClock(), signal: new AbortController().signal };
  const fail = (error: Error | undefined) => {
    failure = error;
  };
  return {
    state: new SavedState(open, owner),
    again: () => new SavedState(open, owner),
    calls,
    opened: () => opened,
    fail,
  };
}

test('a value is there after a restart, and one that was forgotten is not', async () => {
  const { state, again } = setUp();
  assert.equal(await state.load('token'), undefined);
  await state.save('token', { until: 5, of: ['a', null] });
  assert.deepEqual(await again().load('token'), { until: 5, of: ['a', null] });
  await again().save('token', undefined);
  assert.equal(await state.load('token'), undefined);
});

test('the topic is opened with the first use, and is made before something is written to it', async () => {
  const { state, calls, opened } = setUp();
  assert.equal(opened(), 0);
  await state.save('a', 1);
  await state.save('b', 2);
  assert.equal(opened(), 1);
  assert.deepEqual(calls, ['load pipelines.p.sink a', 'save pipelines.p.sink a', 'save pipelines.p.sink b']);
});

test('where the topic cannot be made, the next use tries again', async () => {
  const { state, calls, fail } = setUp();
  fail(new Error('not allowed'));
  await assert.rejects(state.save('a', 1), /not allowed/);
  fail(undefined);
  await state.save('a', 1);
  assert.equal(calls.at(-1), 'save pipelines.p.sink a');
});

test('keys, their number and the size of values are bounded', async () => {
  const { state } = setUp();
  await assert.rejects(state.load(''), /a key of state is a text of 1 to 200 characters/);
  await assert.rejects(state.save('k'.repeat(201), 1), /1 to 200 characters/);
  await assert.rejects(
    state.save('a', 'x'.repeat(65_536)),
    /the value of the key "a" of state has more than 65536 bytes/,
  );
  await assert.rejects(
    state.save('a', () => 1),
    /the value of the key "a" of state has no JSON/,
  );
  await state.save('a', 'x'.repeat(65_534));
  for (let n = 1; n < 1_000; n += 1) await state.save(`k${n}`, n);
  await assert.rejects(state.save('one too many', 1), /has 1000 keys already, which is the limit/);
  await state.save('k1', 'still');
});
