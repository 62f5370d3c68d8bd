import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskStatusKey } from '../../src/actors/connectors/status-table.ts';
import { type ClusterGateway, ConnectCluster } from '../helpers/connect-cluster.ts';
import { REBALANCING } from '../helpers/connect-gateway.ts';
import { until } from '../helpers/gateway-process.ts';
import { ResumableFeeds } from '../helpers/resumable-feeds.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { requireKafka } from '../services/kafka.ts';

/** The gateway that runs task 0 of a connector, by its status. */
function ownerOf(gateways: readonly ClusterGateway[], said: { body: { tasks: { worker_id: string }[] } }) {
  const owner = gateways.find(({ worker }) => worker === said.body.tasks[0]?.worker_id);
  assert.ok(owner !== undefined, JSON.stringify(said.body));
  return owner;
}

/** How far a connector has come by its offsets, once it has come further than `least`. */
async function cursorOf({ api }: ClusterGateway, name: string, least = 0): Promise<number> {
  const { body } = await api.until(`/connectors/${name}/offsets`, ({ body }) => body.offsets[0]?.offset.cursor > least);
  return body.offsets[0].offset.cursor as number;
}

test('a gateway that is killed has its connector taken over by another, which goes on behind the last cursor and tells of the gap', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  const cluster = new ConnectCluster(t, kafka.brokers);
  const gateways = await cluster.startReady(2);
  const [first] = gateways as [ClusterGateway, ClusterGateway];
  const topic = `${cluster.name}.numbers`;
  const config = { ...feeds.connector('numbers', topic), 'websocket.gap.topic': `${topic}.gaps` };
  assert.equal((await first.api.insist('POST', '/connectors', { name: 'numbers', config })).status, 201);
  const owner = ownerOf(gateways, await first.api.state('numbers', 'RUNNING'));
  const heir = gateways.find((one) => one !== owner) as ClusterGateway; // there are two
  feeds.speak(3);
  const cursor = await cursorOf(heir, 'numbers', 100);

  const killedAt = Date.now();
  await owner.process.stop('SIGKILL');
  await heir.api.until(
    '/connectors/numbers/status',
    ({ body }) => body.tasks[0]?.worker_id === heir.worker && body.tasks[0].state === 'RUNNING',
    25_000,
  );
  await until(
    () => feeds.of('numbers').connections === 2,
    15_000,
    () => 'nobody came back to the feed',
  );
  t.diagnostic(`taken over after ${Date.now() - killedAt} ms`);
  await cursorOf(heir, 'numbers', feeds.of('numbers').last);
  feeds.halt();

  const { resumedAfter, mostAtOnce } = feeds.of('numbers');
  const [after = -1] = resumedAfter;
  assert.ok(resumedAfter.length === 1 && after >= cursor, `resumed behind ${resumedAfter}, ${cursor} was saved`);
  assert.equal(mostAtOnce, 1);
  // What was stored and whose cursor was not saved yet comes again: that of the last second.
  const [gaps, statuses] = await Promise.all([
    readTopic(kafka.brokers, `${topic}.gaps`),
    readTopic(kafka.brokers, `${cluster.name}.status`),
    feeds.isWhole(kafka.brokers, topic, (_feed, seq) => seq > after),
  ]);

  assert.equal(gaps.length, 1);
  const metrics = (await heir.process.get('/metrics')).body;
  assert.match(metrics, /tidegate_remote_gaps_total\{[^}]*component="connectors\.numbers\/0"[^}]*\} 1\n/);
  assert.match(heir.process.output(), /the feed was not running/);
  const said = statuses
    .filter(({ key, value }) => key === taskStatusKey('numbers', 0) && value !== '')
    .map(({ value }) => JSON.parse(value) as { worker_id: string; generation: number });
  const generations = [owner, heir].map(({ worker }) =>
    said.filter(({ worker_id }) => worker_id === worker).map(({ generation }) => generation),
  );
  assert.ok(Math.max(...(generations[0] ?? [])) < Math.min(...(generations[1] ?? [])), JSON.stringify(generations));
});

test('a gateway that freezes for longer than a session writes nothing more when it wakes up, and comes back as a member', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  const cluster = new ConnectCluster(t, kafka.brokers);
  const [a, b, c] = (await cluster.startReady(3)) as [ClusterGateway, ClusterGateway, ClusterGateway];
  const topic = `${cluster.name}.numbers`;
  const names: string[] = [];
  const ofB: string[] = [];
  let ofA: string | undefined;
  while (names.length < 4 || ofA === undefined || ofB.length === 0) {
    assert.ok(names.length < 40, 'one of the gateways gets nothing');
    const name = `feed-${names.length}`;
    const config = feeds.connector(name, topic);
    assert.equal((await a.api.insist('POST', '/connectors', { name, config })).status, 201);
    const said = await a.api.state(name, 'RUNNING');
    if (said.body.connector.worker_id === a.worker) ofA = name;
    if (ownerOf([a, b, c], said) === b) ofB.push(name);
    names.push(name);
  }
  feeds.speak(2);
  for (const name of names) await cursorOf(a, name, 20);

  b.process.process.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const frozenAt = new Map(names.map((name) => [name, feeds.of(name).last]));
  // When another one goes the group waits for the frozen one until its session is over.
  const stopped = c.process.stop();
  const path = `/connectors/${ofA}/config`;
  const config = feeds.connector(ofA, topic);
  await until(
    async () => {
      const said = await a.api.call('PUT', path, config);
      assert.ok([200, 409].includes(said.status), JSON.stringify(said.body));
      if (said.status === 409) assert.deepEqual(said.body, { error_code: 409, message: REBALANCING });
      return said.status === 409;
    },
    10_000,
    () => 'nobody was told to try again',
  );
  assert.equal((await a.api.insist('PUT', path, config)).status, 200);
  assert.equal(await stopped, 0);
  for (const name of ofB)
    await a.api.until(
      `/connectors/${name}/status`,
      ({ body }) => body.tasks[0]?.worker_id !== b.worker && body.tasks[0]?.state === 'RUNNING',
      20_000,
    );
  for (const name of ofB) await cursorOf(a, name, feeds.of(name).last);

  const cursors = new Map<string, number>();
  b.process.process.kill('SIGCONT');
  await until(
    async () => {
      for (const name of ofB) {
        const cursor = await cursorOf(a, name);
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
  for (const name of names) await cursorOf(b, name, feeds.of(name).last);
  feeds.halt();
  // Only what the frozen one had in its hands may stand there twice.
  await feeds.isWhole(kafka.brokers, topic, (feed, seq) => ofB.includes(feed) && seq <= (frozenAt.get(feed) ?? 0));
  for (const name of names) {
    assert.equal(feeds.live(name), 1);
    // The frozen one's socket stays open for as long as it is frozen.
    assert.ok(feeds.of(name).mostAtOnce <= (ofB.includes(name) ? 2 : 1), `${feeds.of(name).mostAtOnce} for ${name}`);
  }
});
