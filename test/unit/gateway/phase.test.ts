import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayPhase, PHASES, type Phase } from '../../../src/gateway/phase.ts';

const ALL = Object.keys(PHASES) as Phase[];

/** The shortest way to each phase, from the first one on. */
function waysToAll(): Map<Phase, readonly Phase[]> {
  const ways = new Map<Phase, readonly Phase[]>([['created', []]]);
  for (const [phase, way] of ways)
    for (const next of Object.keys(PHASES[phase]) as Phase[]) if (!ways.has(next)) ways.set(next, [...way, next]);
  return ways;
}

function phaseAt(way: readonly Phase[]): GatewayPhase {
  const phase = new GatewayPhase();
  for (const next of way) phase.enter(next);
  return phase;
}

test('every phase can be reached, and from each one only those that may follow', () => {
  const ways = waysToAll();
  assert.deepEqual([...ways.keys()].sort(), [...ALL].sort());
  for (const [at, way] of ways)
    for (const next of ALL) {
      const phase = phaseAt(way);
      assert.equal(phase.value, at);
      if (next in PHASES[at]) {
        phase.enter(next);
        assert.equal(phase.value, next);
      } else assert.throws(() => phase.enter(next), new RegExp(`${at} is never ${next}`));
    }
});

test('a gateway that has stopped, or is stopping, never starts', () => {
  for (const [at, way] of waysToAll())
    if (phaseAt(way).isStopping) assert.ok(!('starting' in PHASES[at]) && !('running' in PHASES[at]), at);
  assert.deepEqual(
    [...waysToAll()].filter(([, way]) => phaseAt(way).isStopping).map(([at]) => at),
    ['draining', 'forcing', 'closing', 'stopped'],
  );
});

test('the beginning and the end of a stop are emitted once, also for late subscribers', () => {
  const phase = new GatewayPhase();
  const told: string[] = [];
  const listen = (who: string) => {
    phase.stopping$.subscribe(() => told.push(`${who} stopping`));
    phase.stopped$.subscribe(() => told.push(`${who} stopped`));
  };
  listen('early');
  for (const next of ['starting', 'running'] as const) phase.enter(next);
  assert.deepEqual(told, []);
  phase.enter('draining');
  phase.enter('closing');
  assert.deepEqual(told, ['early stopping']);
  phase.enter('stopped');
  listen('late');
  assert.deepEqual(told, ['early stopping', 'early stopped', 'late stopping', 'late stopped']);
});

test('a stop requested during the start is known at once, and begins when the start has ended', () => {
  const phase = new GatewayPhase();
  phase.enter('starting');
  const told: string[] = [];
  phase.stopping$.subscribe(() => told.push('stopping'));
  phase.requestStop();
  assert.deepEqual([phase.isStopping, phase.value, told], [true, 'starting', []]);
});
