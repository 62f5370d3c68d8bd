import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duplicates } from '../../../src/feeds/resume/duplicates.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

function setUp() {
  const clock = new HandClock();
  const kept = keptLogger();
  const duplicates = new Duplicates('ws://x', { path: 'feed', clock, logger: kept.logger });
  return { clock, duplicates, ...kept };
}

test('messages that a server repeats after a reconnect are logged in one line, 10 s after the first', () => {
  const { clock, duplicates, infos, warnings } = setUp();
  duplicates.live();
  duplicates.lost();
  duplicates.live();
  duplicates.dropped();
  clock.advance(9_999);
  duplicates.dropped();
  assert.deepEqual(infos(), []);
  clock.advance(1);
  assert.deepEqual(infos(), ['feed: dropped 2 messages that ws://x repeated after the reconnect']);
  duplicates.dropped();
  assert.equal(warnings().length, 1, 'no reconnect explains that one');
});

test('repeated messages are logged at once when the connection is lost; the next one has its own 10 s', () => {
  const { clock, duplicates, infos } = setUp();
  duplicates.live();
  duplicates.lost();
  duplicates.live();
  duplicates.dropped();
  clock.advance(5_000);
  duplicates.lost();
  assert.equal(infos().length, 1);
  duplicates.live();
  duplicates.dropped();
  clock.advance(5_000);
  assert.equal(infos().length, 1, 'the time of the former connection is over, not that of this one');
  clock.advance(5_000);
  assert.equal(infos().length, 2);
  duplicates.dropped();
  duplicates.stop();
  assert.equal(clock.pending, 0);
});
