import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../../../src/testing/simulation/memory-log.ts';
import type { Fed, OutputMessage } from '../../../../src/testing/simulation/messages.ts';
import { SimulatedConfig } from '../../../../src/testing/simulation/simulated-config.ts';
import { Simulation } from '../../../../src/testing/simulation/simulation.ts';
import { TestClock } from '../../../../src/testing/simulation/test-clock.ts';
import { keptLogger } from '../../actors/rig.ts';

const BILLING = `
log: { topics: { orders: { partitions: 2 }, bills: { partitions: 2 } } }
pipelines:
  billing:
    source: { topic: { names: [ orders ], from: earliest, group: billing } }
    processors: [ { filter: { keep: "\${! json.total > 0 }" } } ]
    sink: { topic: { name: bills, key: "\${! key }" } }
    on_error: { retries: 2, dead_letter: bills.dlt }
`;

const texts = (simulation: Simulation, name: string) => (simulation.output().get(name) ?? []).map(({ text }) => text);
const outcomes = (fed: readonly Fed[]) => fed.map(({ outcome }) => outcome);
const order = (total: number, key = 'ada') => ({ json: { total }, key });

test('records go through a pipeline of topics, and each tells what became of it', async () => {
  const simulation = await Simulation.start(BILLING);
  const headers = { source: 'test' };
  const fed = simulation.feed('billing', [{ ...order(5), headers }, order(-1), { text: 'no order' }]);
  assert.deepEqual(outcomes(fed), ['pending', 'pending', 'pending']);
  await simulation.quiet();
  assert.deepEqual(outcomes(fed), ['stored', 'filtered', 'dead_letter']);
  const [bill] = simulation.output().get('bills') ?? [];
  const { json, key, partition, offset } = bill as OutputMessage;
  assert.deepEqual(
    { json, key, offset, headers: bill?.headers },
    { json: { total: 5 }, key: 'ada', offset: 0, headers },
  );
  assert.equal(partition, 1, 'where Kafka puts the key');
  const [letter] = simulation.output().get('bills.dlt') ?? [];
  assert.deepEqual([letter?.text, letter?.headers['tidegate-error-code']?.startsWith('TG_')], ['no order', true]);
  assert.deepEqual([...simulation.output().keys()].sort(), ['bills', 'bills.dlt'], 'what is fed is no output');
  await simulation.stop();
});

test('two runs are the same in all that they show, also with retries and clients', async () => {
  const config = await SimulatedConfig.load(`
listeners: { public: { port: 1 } }
endpoints: { in: { listener: public, path: /in, codec: envelope } }
pipelines:
  in: { source: { endpoint: in }, sink: { topic: { name: out, key: "\${! meta.client_id }" } } }
`);
  const run = async () => {
    const simulation = await Simulation.start(config);
    const client = await simulation.connect('in');
    simulation.log.faults.next('out', { type: 'lost' });
    for (const id of [1, 2, 3])
      client.send({ messageType: 'USER', content: `m${id}`, timestamp: '2024-01-01T00:00:00Z', id });
    await simulation.advance(2_000);
    await simulation.stop();
    const output = [...simulation.output()].map(([name, all]) => [
      name,
      all.map((one) => ({ ...one, text: one.text })),
    ]);
    return JSON.stringify([output, client.frames, client.closed, simulation.clock.elapsed()]);
  };
  const first = await run();
  assert.equal(await run(), first);
  assert.match(first, /"m3/);
});

test('windows end as time goes on, without waiting', async () => {
  const simulation = await Simulation.start(`
pipelines:
  counts:
    source: { topic: { names: [ clicks ], from: earliest, group: counts } }
    processors: [ { window: { tumbling: 1m, idle: 5s, aggregate: { n: count } } } ]
    sink: { topic: { name: counts } }
`);
  simulation.feed('counts', [
    { json: {}, key: 'a' },
    { json: {}, key: 'a' },
  ]);
  await simulation.advance(50_000);
  simulation.feed('counts', [{ json: {}, key: 'a' }]);
  await simulation.advance(9_000);
  assert.deepEqual(texts(simulation, 'counts'), []);
  await simulation.advance(20_000);
  const counts = simulation.output().get('counts') ?? [];
  assert.deepEqual(
    counts.map(({ json }) => (json as { n: number }).n),
    [3],
  );
  assert.equal(simulation.clock.elapsed(), 79_020);
  await simulation.stop();
});

test('after a crash what was not committed is read again, by the next owner of the partitions', async () => {
  const simulation = await Simulation.start(BILLING);
  const first = simulation.feed('billing', [order(1)]);
  await simulation.advance(1_500);
  assert.deepEqual(
    await simulation.log.admin.committed('billing', 'orders'),
    new Map([
      [0, 0],
      [1, 1],
    ]),
  );
  const second = simulation.feed('billing', [order(2), order(3)]);
  await simulation.quiet();
  await simulation.crash();
  assert.deepEqual(texts(simulation, 'bills'), [
    '{"total":1}',
    '{"total":2}',
    '{"total":3}',
    '{"total":2}',
    '{"total":3}',
  ]);
  assert.deepEqual(
    [...first, ...second].map(({ settledTimes }) => settledTimes),
    [1, 2, 2],
  );
  await simulation.stop();
  assert.deepEqual((await simulation.log.admin.committed('billing', 'orders')).get(1), 3, 'a stop commits');
});

test('a crash in the middle of a send leaves a message pending, and the next start settles it', async () => {
  const simulation = await Simulation.start(BILLING);
  simulation.log.faults.next('bills', { type: 'late', after: 60_000 });
  const fed = simulation.feed('billing', [order(1)]);
  await simulation.quiet();
  assert.deepEqual([outcomes(fed), texts(simulation, 'bills').length], [['pending'], 1]);
  await simulation.crash();
  assert.deepEqual([outcomes(fed), texts(simulation, 'bills').length, fed[0]?.settledTimes], [['stored'], 2, 1]);
  await simulation.advance(120_000);
  assert.equal(fed[0]?.settledTimes, 1, 'the answer to the gateway that is gone changes nothing');
  await simulation.stop();
});

test('two gateways on one log share the partitions of a group; one that crashes leaves its share to the other', async () => {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  const one = await Simulation.start(BILLING, { clock, log });
  const other = await Simulation.start(BILLING, { clock, log });
  const both = async () => {
    await one.quiet();
    await other.quiet();
  };
  await both();
  const keys = ['ada', 'bob', 'cyd', 'dee', 'eve', 'fay'];
  one.feed(
    'billing',
    keys.map((key, at) => order(at + 1, key)),
  );
  await both();
  assert.equal(texts(one, 'bills').length, keys.length);
  assert.deepEqual(texts(one, 'bills'), texts(other, 'bills'), 'both see the log');
  await other.stop();
  await one.quiet();
  const fed = one.feed(
    'billing',
    keys.map((key, at) => order(at + 1, key)),
  );
  await one.quiet();
  assert.deepEqual(
    outcomes(fed),
    keys.map(() => 'stored'),
  );
  await one.stop();
});

test('a gateway that starts without the log is ready when the log comes, and says why where it does not', async () => {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  log.faults.linkDown();
  clock.after(10_000, () => log.faults.linkUp());
  const simulation = await Simulation.start(BILLING, { clock, log });
  assert.ok(clock.elapsed() >= 10_000 && clock.elapsed() < 20_000, String(clock.elapsed()));
  await simulation.stop();
  log.faults.linkDown();
  await assert.rejects(Simulation.start(BILLING, { clock, log }), { code: 'TG_NOT_RUNNING', message: /the log/ });
});

test('a stop settles what has been read, by the time of the clock', async () => {
  const simulation = await Simulation.start(BILLING);
  simulation.log.faults.next('bills', { type: 'lost' });
  const fed = simulation.feed('billing', [order(1)]);
  await simulation.quiet();
  assert.deepEqual(outcomes(fed), ['pending']);
  await simulation.stop();
  assert.deepEqual([outcomes(fed), texts(simulation, 'bills').length], [['stored'], 1]);
  await assert.rejects(simulation.connect('nowhere'), { code: 'TG_CONFIG_INVALID' });
  await assert.rejects(simulation.stop(), { code: 'TG_NOT_RUNNING' });
});

test('sources and sinks that leave the process are replaced, sinks within others too', async () => {
  const simulation = await Simulation.start(`
pipelines:
  prices:
    source: { websocket_client: { url: wss://feed.example.org/ } }
    sink:
      route:
        - { when: "\${! json.to = 'log' }", sink: { topic: { name: prices } } }
        - { when: "\${! json.to = 'peer' }", sink: { websocket_client: { url: wss://peer.example.org/ } } }
        - { sink: stdout }
`);
  const fed = simulation.feed('prices', [{ json: { to: 'log' } }, { json: { to: 'peer' } }, { json: {} }]);
  await simulation.quiet();
  assert.deepEqual(outcomes(fed), ['stored', 'stored', 'stored']);
  assert.deepEqual(texts(simulation, 'prices'), ['{"to":"log"}']);
  assert.deepEqual(texts(simulation, 'websocket_client'), ['{"to":"peer"}']);
  assert.deepEqual(texts(simulation, 'stdout'), ['{}']);
  await simulation.stop();
});

test('work on threads is waited for, and a message that would ask an HTTP server fails', async () => {
  const simulation = await Simulation.start(`
pipelines:
  zip:
    source: { topic: { names: [ zip ], from: earliest, group: zip } }
    processors: [ compress ]
    sink: { topic: { name: zipped } }
  ask:
    source: { topic: { names: [ ask ], from: earliest, group: ask } }
    processors: [ { lookup: { http: { url: "http://crm.example.org/\${! json.user }" }, into: user } } ]
    sink: { topic: { name: asked } }
    on_error: { retries: 0, dead_letter: unanswered }
`);
  simulation.feed('zip', [{ text: 'x'.repeat(200_000) }]);
  const asked = simulation.feed('ask', [{ json: { user: 1 } }]);
  await simulation.quiet();
  assert.equal(simulation.output().get('zipped')?.[0]?.payload.readUInt16BE(0), 0x1f8b);
  assert.deepEqual(outcomes(asked), ['dead_letter']);
  assert.match(simulation.output().get('unanswered')?.[0]?.headers['tidegate-error-code'] ?? '', /PROCESSOR_FAILED/);
  await simulation.stop();
});

test('what cannot be fed is refused with the reason', async () => {
  const { logger, warnings } = keptLogger();
  const simulation = await Simulation.start(BILLING, { logger });
  assert.throws(() => simulation.feed('nothing', []), { code: 'TG_CONFIG_INVALID', message: /no pipeline nothing/ });
  assert.throws(() => simulation.feed('billing', [{ json: 1, text: '1' }]), { code: 'TG_MESSAGE_INVALID' });
  const [fed] = simulation.feed('billing', [{ json: 1, topic: 'elsewhere' }]);
  await simulation.quiet();
  assert.deepEqual([fed?.outcome, fed?.error?.code, warnings()], ['failed', 'TG_TOPIC_MISSING', []]);
  await simulation.stop();
  await assert.rejects(Simulation.start('pipelines: 5'), { code: 'TG_CONFIG_INVALID' });
  await assert.rejects(Simulation.start({ file: '/nowhere.yaml' }), { code: 'TG_CONFIG_UNREADABLE' });
});
