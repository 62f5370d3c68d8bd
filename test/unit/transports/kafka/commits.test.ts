import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Commits } from '../../../../src/transports/kafka/group/commits.ts';
import { keptLogger, turn } from '../../actors/rig.ts';
import { HandClock } from '../../core/hand-clock.ts';

/** The commits of a member every second; `answers`: what comes of each, `true` where there was something to commit. */
function setUp(answers: (boolean | Error | Promise<boolean>)[] = []) {
  const clock = new HandClock();
  const counter = { value: 0 };
  let asked = 0;
  const commit = async () => {
    asked += 1;
    const answer = answers.shift() ?? true;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const commits = new Commits({ group: 'g', interval: 1_000, commit, counter, clock, logger: keptLogger().logger });
  return { commits, clock, counter, asked: () => asked };
}

test('what is settled is committed at each interval until it is stopped', async () => {
  const { commits, clock, counter, asked } = setUp([true, false]);
  commits.start();
  for (let round = 1; round <= 3; round += 1) {
    clock.advance(1_000);
    await turn();
    assert.equal(asked(), round);
  }
  assert.equal(counter.value, 2, 'one of them had nothing to commit');
  commits.stop();
  assert.equal(clock.pending, 0);
});

test('a commit that fails says so to its caller, and does not keep the next one from being made', async () => {
  const { commits, clock, counter } = setUp([new Error('reset'), new Error('reset')]);
  await assert.rejects(commits.commit(), (error) => error instanceof TidegateError && /reset/.test(error.message));
  await commits.tryToCommit();
  await commits.commit();
  assert.equal(counter.value, 1);
  commits.start();
  clock.advance(1_000);
  await turn();
  assert.equal(counter.value, 2);
  commits.stop();
});

test('a commit that fails at its interval is followed by the next one', async () => {
  const { commits, clock, counter } = setUp([new Error('reset')]);
  commits.start();
  clock.advance(1_000);
  await turn();
  clock.advance(1_000);
  await turn();
  assert.equal(counter.value, 1);
  commits.stop();
});

test('commits are made one after the other, and none while the owner of the partitions is in doubt', async () => {
  let answer: (hasCommitted: boolean) => void = () => {};
  const slow = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  const { commits, counter, asked } = setUp([slow]);
  const both = [commits.commit(), commits.commit()];
  await turn();
  assert.equal(asked(), 1);
  answer(true);
  await Promise.all(both);
  assert.equal(counter.value, 2);
  commits.isSure = false;
  await commits.commit();
  assert.equal(asked(), 2);
});
