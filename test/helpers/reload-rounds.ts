import assert from 'node:assert/strict';
import { TestClient } from './client.ts';
import type { ReloadRig, Variation } from './reload-rig.ts';

/** Reloads of one round. */
export const REPEATED = 12;

/**
 * One round of reloads, of each kind one: limits, processors, batches, an endpoint that comes and goes, one that is replaced, a
 * port, mistakes, and what cannot change. Resolves with how many there were.
 */
export async function reloadRound(rig: ReloadRig, round: number): Promise<number> {
  let done = 0;
  let now: Variation = { movedPath: `/moved-${round}` };
  const apply = async (next: Variation, changed: readonly string[]) => {
    now = next;
    const report = await rig.reload(next);
    assert.equal(report.result, 'applied', JSON.stringify(report));
    assert.deepEqual(report.problems, [], report.summary);
    assert.deepEqual(report.changes.map(({ part, action }) => `${part} ${action}`).toSorted(), [...changed].toSorted());
    done += 1;
  };
  const refuse = async (mistake: string, result: string, problem: RegExp) => {
    const { generation } = (await status(rig)) as { generation: number };
    const report = await rig.reload({ ...now, mistake });
    assert.equal(report.result, result, JSON.stringify(report));
    assert.match(report.problems.join('\n'), problem);
    assert.equal(report.generation, generation);
    done += 1;
  };

  await apply({ ...now, limits: '{ messages: 100000/s, burst: 2s }', maxConnections: 50 }, [
    'endpoints.steady updated',
  ]);
  await apply({ ...now, count: 50 }, ['pipelines.steady-in replaced']);
  await refuse('pipelines: {', 'invalid', /gateway\.yaml:\d+:\d+/);
  await apply({ ...now, filter: `never-${round}` }, ['pipelines.steady-in replaced']);
  await apply({ ...now, outCount: 20 + round }, ['pipelines.copy replaced', 'pipelines.steady-out replaced']);
  const extra = `extra-${round}`;
  await apply({ ...now, extra }, [`endpoints.${extra} added`, `pipelines.${extra}-in added`]);
  const visitor = await rig.pass(`visitor-${round}`, `/${extra}`);
  await refuse('tracing: { sample: 1 }', 'refused', /tracing cannot change while the gateway runs \(sample/);
  const port = await rig.freePort();
  await apply({ ...now, port }, ['listeners.second added']);
  const { extra: _, ...without } = now;
  await apply(without, [`endpoints.${extra} removed`, `pipelines.${extra}-in removed`]);
  await visitor.client.until(() => visitor.client.closed !== undefined);
  await assert.rejects(TestClient.open(rig.url(`/${extra}`)), /404/);
  const { port: __, ...closed } = now;
  await apply(closed, ['listeners.second removed']);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health`), 'the port is still open');
  const mover = await rig.pass(`mover-${round}`, now.movedPath ?? '');
  await apply({ movedPath: `/moved-${round + 1}` }, [
    ...['endpoints.moved replaced', 'endpoints.steady updated', 'pipelines.moved-in replaced'],
    ...['pipelines.copy replaced', 'pipelines.steady-in replaced', 'pipelines.steady-out replaced'],
  ]);
  await mover.client.until(() => mover.client.closed !== undefined);
  const same = await rig.post();
  assert.deepEqual([same.result, same.changes], ['unchanged', []]);
  done += 1;
  await rig.continues(20);
  const labels = await rig.labels();
  assert.ok(!labels.has(extra) && !labels.has(`${extra}-in`), 'series of what was removed are still there');
  return done;
}

async function status(rig: ReloadRig): Promise<unknown> {
  return JSON.parse((await rig.gateway.get('/-/reload')).body);
}
