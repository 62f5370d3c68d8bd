import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusals } from '../../../src/assembly/refusals.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

test('that there is no room is told once a minute for each endpoint and reason, and what clients do wrong is not', () => {
  const clock = new HandClock();
  const kept = keptLogger();
  const refusals = new Refusals(kept.logger, clock);
  const full = { status: 503, reason: 'full', message: 'endpoints.a.max_connections is reached' };
  refusals.add('a', full);
  refusals.add('a', full);
  refusals.add('b', full);
  refusals.add('a', { ...full, reason: 'open_files' });
  refusals.add('a', { status: 403, reason: 'origin', message: 'no' });
  assert.equal(kept.lines.length, 3);
  clock.advance(60_000);
  refusals.add('a', full);
  assert.equal(kept.lines.length, 4);
});
