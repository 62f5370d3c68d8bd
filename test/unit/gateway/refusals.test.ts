import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusals } from '../../../src/gateway/refusals.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

test('what the operator can change is logged once a minute for each endpoint, mistakes of clients are not', () => {
  const clock = new HandClock();
  const kept = keptLogger();
  const refusals = new Refusals(kept.logger, clock);
  const full = { reason: 'full', message: 'endpoints.a.max_connections is reached' };
  refusals.add('a', full);
  refusals.add('a', full);
  refusals.add('b', full);
  refusals.add('a', { ...full, reason: 'open_files' });
  refusals.add('a', { reason: 'path', message: 'no' });
  assert.equal(kept.lines.length, 3);
  clock.advance(60_000);
  refusals.add('a', full);
  assert.equal(kept.lines.length, 4);
});

test('a refused page is logged with its origin, its endpoint, and the number since the last line', () => {
  const clock = new HandClock();
  const kept = keptLogger();
  const refusals = new Refusals(kept.logger, clock);
  const refusal = (origin: string) => ({
    reason: 'origin',
    message: `the origin ${origin} is not in endpoints.a.origins`,
    origin,
  });
  refusals.add('a', refusal('https://one.test'));
  for (let count = 0; count < 5; count++) refusals.add('a', refusal('https://two.test'));
  refusals.add('b', refusal('https://two.test'));
  clock.advance(60_000);
  refusals.add('a', refusal('https://three.test'));
  clock.advance(60_000);
  refusals.add('a', refusal('https://four.test'));
  assert.deepEqual(
    kept.lines.map(({ level, facts }) => [level, facts]),
    [
      ['warn', { endpoint: 'a', reason: 'origin', origin: 'https://one.test', refused: 1 }],
      ['warn', { endpoint: 'b', reason: 'origin', origin: 'https://two.test', refused: 1 }],
      ['warn', { endpoint: 'a', reason: 'origin', origin: 'https://three.test', refused: 6 }],
      ['warn', { endpoint: 'a', reason: 'origin', origin: 'https://four.test', refused: 1 }],
    ],
  );
  assert.equal(
    kept.lines[2]?.text,
    'clients of a are turned away: the origin https://three.test is not in endpoints.a.origins; add it there if the page is yours; 6 were refused since the last such line',
  );
});
