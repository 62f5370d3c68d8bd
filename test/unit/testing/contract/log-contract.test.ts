import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CaseContext } from '../../../../src/testing/contract/case.ts';
import { runCase } from '../../../../src/testing/contract/run-case.ts';
import { type LogUnderTest, logContract, MemoryLog, TestClock } from '../../../../src/testing/index.ts';

/** A log that says what is done with it. */
function rig() {
  const calls: string[] = [];
  const open = async (): Promise<LogUnderTest> => {
    calls.push('open');
    const log = new MemoryLog({ clock: new TestClock() });
    await log.open();
    return {
      log,
      dispose: async () => {
        calls.push('dispose');
        await log.close();
      },
    };
  };
  return { calls, open };
}

test('a case opens a log of its own and disposes of it, where none is shared', async () => {
  const { calls, open } = rig();
  const found = logContract({ open }).find(({ title }) => title === 'has nothing to do for an empty send');
  assert.deepEqual(found?.suite, ['a lane']);
  assert.equal(await found?.run(), undefined);
  assert.deepEqual(calls, ['open', 'dispose']);
});

test('a case takes the log that is shared, unless it closes its log', async () => {
  const { calls, open } = rig();
  const under = await open();
  const cases = logContract({ open, shared: () => under });
  await cases.find(({ title }) => title === 'has nothing to do for an empty send')?.run();
  assert.deepEqual(calls, ['open']);
  const closing = cases.filter(({ closesLog }) => closesLog);
  assert.deepEqual(new Set(closing.map(({ suite }) => suite.join())), new Set(['the life of a log']));
  await closing[0]?.run();
  assert.deepEqual(calls, ['open', 'open', 'dispose']);
  await under.dispose();
});

test('a case that its log cannot take part in says why', async () => {
  const { open } = rig();
  const skipped = logContract({ open }).filter(({ title }) =>
    /after a close and an open|^keeps the last record/.test(title),
  );
  assert.deepEqual(await Promise.all(skipped.map(({ run }) => run())), [
    'this log cannot be made to compact now',
    'nothing of this log survives a close',
  ]);
});

test('what is opened in a case is closed in reverse order, and its failure comes first', async () => {
  const { calls, open } = rig();
  const run = async (t: CaseContext) => {
    t.after(() => calls.push('first'));
    t.after(() => {
      calls.push('second');
      throw new Error('of the cleaning');
    });
    throw new Error('of the case');
  };
  await assert.rejects(runCase({ open }, false, run), { message: 'of the case' });
  assert.deepEqual(calls, ['open', 'second', 'first', 'dispose']);
  const late = async (t: CaseContext) => t.after(() => Promise.reject(new Error('of the cleaning')));
  await assert.rejects(runCase({ open }, false, late), { message: 'of the cleaning' });
});

test('cases have each a name of their own', () => {
  const names = logContract(rig()).map(({ suite, title }) => [...suite, title].join(' > '));
  assert.ok(names.length > 100);
  assert.equal(new Set(names).size, names.length);
});
