import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogLink } from '../../../src/actors/log-link/log-link.ts';
import { FakeLog } from './fake-log.ts';
import { keptLogger } from './rig.ts';

function setUp() {
  const log = new FakeLog();
  const kept = keptLogger();
  return { log, link: new LogLink(log, kept.logger), ...kept };
}

test('a link is not up until the log says so, and says why', () => {
  const { log, link } = setUp();
  assert.deepEqual([link.isUp, link.downReason], [false, 'connecting']);
  log.link$.next({ state: 'down', reason: 'refused' });
  assert.deepEqual([link.isUp, link.downReason], [false, 'refused']);
  log.link$.next({ state: 'up' });
  assert.equal(link.isUp, true);
});

test('each change is logged once, however often the driver repeats it', () => {
  const { log, infos, warnings } = setUp();
  for (const reason of ['refused', 'refused', 'timeout']) log.link$.next({ state: 'down', reason });
  log.link$.next({ state: 'up' });
  log.link$.next({ state: 'up' });
  log.link$.next({ state: 'down', reason: 'reset' });
  assert.equal(infos().length, 1);
  assert.deepEqual(
    warnings().map((text) => text.split(': ').at(-1)),
    ['refused', 'reset'],
  );
});

test('a link that is closed hears nothing more', () => {
  const { log, link, infos } = setUp();
  link.close();
  log.link$.next({ state: 'up' });
  assert.deepEqual([link.isUp, infos()], [false, []]);
});

test('a log that fails to tell its state is an error in the log, not the end of the process', () => {
  const { log, errors } = setUp();
  log.link$.error(new Error('bug'));
  assert.match(errors().join(), /state of the log is not known/);
});
