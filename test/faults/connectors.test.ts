import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskStatusKey } from '../../src/connect/cluster/status-table.ts';
import type { ClusterGateway } from '../helpers/connect-cluster.ts';
import { until } from '../helpers/gateway-process.ts';
import { requireKafka } from '../services/kafka.ts';
import { NumbersCluster } from './numbers-cluster.ts';

test('the connector of a killed gateway continues on another after its last cursor and reports the gap', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const cluster = await NumbersCluster.start(t, kafka.brokers, 2);
  const { feeds } = cluster;
  const owner = await cluster.connect('numbers', { 'websocket.gap.topic': `${cluster.topic}.gaps` });
  const heir = cluster.gateways.find((one) => one !== owner) as ClusterGateway; // there are two
  feeds.speak(3);
  const cursor = await cluster.cursorOf(heir, 'numbers', 100);

  const killedAt = Date.now();
  await cluster.kill(owner);
  await cluster.takenOver('numbers', owner, heir, 25_000);
  await until(
    () => feeds.of('numbers').connections === 2,
    15_000,
    () => 'no gateway has connected to the feed again',
  );
  t.diagnostic(`taken over after ${Date.now() - killedAt} ms`);
  await cluster.catchesUp(heir, 'numbers');
  feeds.halt();

  const { resumedAfter, mostAtOnce } = feeds.of('numbers');
  const [after = -1] = resumedAfter;
  assert.ok(resumedAfter.length === 1 && after >= cursor, `resumed after ${resumedAfter}, ${cursor} was saved`);
  assert.equal(mostAtOnce, 1);
  // Records of the last second, whose cursor was not saved yet, are repeated.
  const [gaps, statuses] = await Promise.all([
    cluster.gaps(),
    cluster.statuses(),
    cluster.isWhole((_feed, seq) => seq > after),
  ]);

  assert.equal(gaps.length, 1);
  const metrics = (await heir.process.get('/metrics')).body;
  assert.match(metrics, /tidegate_remote_gaps_total\{[^}]*component="connectors\.numbers\/0"[^}]*\} 1\n/);
  assert.match(heir.process.output(), /the feed was not running/);
  const reports = statuses
    .filter(({ key, value }) => key === taskStatusKey('numbers', 0) && value !== '')
    .map(({ value }) => JSON.parse(value) as { worker_id: string; generation: number });
  const generations = [owner, heir].map(({ worker }) =>
    reports.filter(({ worker_id }) => worker_id === worker).map(({ generation }) => generation),
  );
  assert.ok(Math.max(...(generations[0] ?? [])) < Math.min(...(generations[1] ?? [])), JSON.stringify(generations));
});

test('a gateway frozen for longer than a session writes nothing more when it thaws, and rejoins the group', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const cluster = await NumbersCluster.start(t, kafka.brokers, 3);
  const { feeds } = cluster;
  const [a, b, c] = cluster.gateways as [ClusterGateway, ClusterGateway, ClusterGateway];
  const names: string[] = [];
  const ofB: string[] = [];
  let ofA: string | undefined;
  while (names.length < 4 || ofA === undefined || ofB.length === 0) {
    assert.ok(names.length < 40, 'one of the gateways gets nothing');
    const name = `feed-${names.length}`;
    const owner = await cluster.connect(name);
    if ((await cluster.workerOf(name)) === a.worker) ofA = name;
    if (owner === b) ofB.push(name);
    names.push(name);
  }
  feeds.speak(2);
  for (const name of names) await cluster.cursorOf(a, name, 20);

  cluster.freeze(b);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const frozenAt = new Map(names.map((name) => [name, feeds.of(name).last]));
  // When another gateway leaves, the group waits for the frozen one until its session is over.
  const stopped = c.process.stop();
  await cluster.changeDuringRebalance(a, ofA);
  assert.equal(await stopped, 0);
  for (const name of ofB) await cluster.takenOver(name, b, a, 20_000);
  for (const name of ofB) await cluster.catchesUp(a, name);

  const cursors = new Map<string, number>();
  cluster.thaw(b);
  await until(
    async () => {
      for (const name of ofB) {
        const cursor = await cluster.cursorOf(a, name);
        assert.ok(cursor >= (cursors.get(name) ?? 0), `the cursor of ${name} went back`);
        cursors.set(name, cursor);
      }
      return names.every((name) => feeds.live(name) === 1);
    },
    15_000,
    () => `sockets: ${names.map((name) => feeds.live(name))}`,
  );
  await b.process.ready();
  // It gets its share again.
  await until(
    async () => JSON.stringify((await a.api.call('GET', '/connectors?expand=status')).body).includes(b.worker),
    20_000,
    () => `${b.worker} runs nothing:\n${b.process.output()}`,
  );
  for (const name of names) await b.api.state(name, 'RUNNING', 1, 20_000);
  for (const name of names) await cluster.catchesUp(b, name);
  feeds.halt();
  // Only records that were in flight on the frozen gateway may be stored twice.
  await cluster.isWhole((feed, seq) => ofB.includes(feed) && seq <= (frozenAt.get(feed) ?? 0));
  for (const name of names) {
    assert.equal(feeds.live(name), 1);
    // The frozen gateway's socket stays open for as long as it is frozen.
    assert.ok(feeds.of(name).mostAtOnce <= (ofB.includes(name) ? 2 : 1), `${feeds.of(name).mostAtOnce} for ${name}`);
  }
});
