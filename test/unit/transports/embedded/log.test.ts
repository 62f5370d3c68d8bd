import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { LinkState } from '../../../../src/core/log.ts';
import { Coordinators } from '../../../../src/transports/embedded/group/coordinators.ts';
import { createEmbeddedLog } from '../../../../src/transports/embedded/index.ts';
import { Records } from '../../../../src/transports/embedded/records/records.ts';
import { HandClock, message, parts, until } from './parts.ts';

const OBSERVER = { retrying() {}, recovered() {}, duplicatesPossible() {} };

/** A log in memory with a topic. */
async function opened(t: TestContext) {
  const clock = new HandClock();
  const log = createEmbeddedLog({ ...parts(), clock });
  const states: LinkState[] = [];
  log.link$.subscribe((state) => states.push(state));
  await log.open();
  t.after(() => log.close());
  await log.admin.create({ name: 't' });
  return { log, clock, states };
}

test('the log is up while it is open, and writers at its end get an error', async (t) => {
  const { log, states } = await opened(t);
  const [lane, forgotten] = [log.lane('t', OBSERVER), log.lane('other', OBSERVER)];
  log.forget('other');
  assert.deepEqual(await lane.send([message('a')]), []);
  await log.close();
  assert.deepEqual(states, [{ state: 'connecting' }, { state: 'up' }, { state: 'down', reason: 'the log is closed' }]);
  await assert.rejects(lane.send([message('b')]), { message: 'the gateway stopped writing to t' });
  await assert.rejects(forgotten.send([message('b')]), { message: 'the embedded log is not open' });
  assert.throws(() => log.reader({ topics: ['t'], from: 'latest' }), { code: 'TG_LOG_UNAVAILABLE' });
  await log.close();
  assert.equal(states.length, 3);
});

test('the log is down from the first write that fails to the first that does not', async (t) => {
  const { log, clock, states } = await opened(t);
  const append = t.mock.method(Records.prototype, 'append', async () => {
    throw new Error('the disk refused it');
  });
  const sending = log.lane('t', OBSERVER).send([message('a')]);
  const retry = async () => {
    const before = append.mock.callCount();
    await until(() => {
      clock.advance(500);
      return append.mock.callCount() > before;
    });
  };
  await retry();
  await retry();
  assert.deepEqual(
    states.slice(2).map(({ state }) => state),
    ['down'],
  );
  const [down] = states.slice(2);
  assert.match(down?.state === 'down' ? down.reason : '', /the disk refused it/);
  append.mock.restore();
  const advancing = setInterval(() => clock.advance(500), 1);
  await sending;
  clearInterval(advancing);
  await log.lane('t', OBSERVER).send([message('b')]);
  assert.deepEqual(
    states.slice(2).map(({ state }) => state),
    ['down', 'up'],
  );
});

test('the file of a log is closed with it', async (t) => {
  if (process.platform !== 'linux') return t.skip('open files are listed by Linux');
  const files = () =>
    readdirSync('/proc/self/fd')
      .flatMap((name) => linkOf(name))
      .filter((link) => link.includes('data.mdb'));
  // Other tests of this process may have left logs open.
  const others = new Set(files());
  const { log } = await opened(t);
  const own = files().filter((link) => !others.has(link));
  await log.close();
  assert.ok(own.length > 0);
  assert.ok(!files().some((link) => own.includes(link)));
});

function linkOf(descriptor: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${descriptor}`)];
  } catch {
    // The one that the directory was listed by.
    return [];
  }
}

test('a group is let go of with its last member, whatever other groups there are', async (t) => {
  const { log } = await opened(t);
  const letGo = t.mock.method(Coordinators.prototype, 'letGo');
  const join = (group: string) => {
    const member = log.group({ group, topics: ['t'], from: 'latest' });
    member.batches$.subscribe();
    return member;
  };
  const [first, second] = [join('g'), join('g')];
  join('other');
  await first.leave();
  assert.equal(letGo.mock.callCount(), 0);
  await second.leave();
  assert.deepEqual(
    letGo.mock.calls.map(({ arguments: [group] }) => group),
    ['g'],
  );
});
