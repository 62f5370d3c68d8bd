import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileWatch } from '../../../src/cli/file-watch.ts';

/** Milliseconds for a look; those of a watch that was closed meanwhile plan no other. */
const LOOK_TIMEOUT = 2_000;

/** A clock whose only timer is called by hand. */
function handClock() {
  let due: (() => void) | undefined;
  return {
    after: (_: number, call: () => void) => {
      due = call;
      return () => {
        due = undefined;
      };
    },
    /** Resolves once the look is over, and the next one is due. */
    look: async () => {
      const call = due;
      due = undefined;
      call?.();
      const until = performance.now() + LOOK_TIMEOUT;
      while (due === undefined && performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    },
    get isDue() {
      return due !== undefined;
    },
  };
}

test('a file counts as changed once two looks found it the same, and only once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  writeFileSync(one, 'a');
  const clock = handClock();
  let changes = 0;
  const watch = new FileWatch(
    () => [one, two],
    () => {
      changes += 1;
    },
    clock,
  );
  await watch.begin();
  await clock.look();
  assert.equal(changes, 0);
  writeFileSync(one, 'ab');
  await clock.look();
  assert.equal(changes, 0, 'it may still be written');
  writeFileSync(one, 'abc');
  await clock.look();
  assert.equal(changes, 0);
  await clock.look();
  assert.equal(changes, 1);
  await clock.look();
  assert.equal(changes, 1);
  writeFileSync(two, 'it was not there');
  await clock.look();
  await clock.look();
  assert.equal(changes, 2);
  rmSync(one);
  await clock.look();
  await clock.look();
  assert.equal(changes, 3);
  watch.close();
  assert.equal(clock.isDue, false);
});
