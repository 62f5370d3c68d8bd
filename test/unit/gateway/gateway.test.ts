import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Listener } from '../../../src/actors/listener/listener.ts';
import { pipelineMetrics } from '../../../src/actors/pipeline/metrics.ts';
import { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import type { Topic } from '../../../src/actors/topic/topic.ts';
import { loadConfig, type PipelineConfig } from '../../../src/config/index.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { WantedTopic } from '../../../src/core/ensure-topic.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { EndpointSet } from '../../../src/gateway/endpoint-set.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import { GatewayContext } from '../../../src/gateway/gateway-context.ts';
import type { ListenerSet } from '../../../src/gateway/listener-set.ts';
import { makeParts } from '../../../src/gateway/parts.ts';
import { PipelineSet } from '../../../src/gateway/pipeline-set.ts';
import { GatewayStatus } from '../../../src/gateway/status.ts';
import { TopicPreparation } from '../../../src/gateway/topic-preparation.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { endpointRig, turn } from '../actors/rig.ts';

// All but 100 ms of the deadline is kept for last words.
const TEXT = `
log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
shutdown: { timeout: 2100ms, jitter: 0s }
`;

interface Changes {
  readonly listeners?: readonly Listener[];
  readonly wantedTopics?: readonly WantedTopic[];
}

function listenersOf(all: readonly Listener[]) {
  return {
    all,
    open: async () => {
      for (const listener of all) await listener.open();
    },
    drain: () => {
      for (const listener of all) listener.drain();
    },
    close: () => {
      for (const listener of all) listener.close();
    },
  } as unknown as ListenerSet;
}

/** A gateway of one listener, one endpoint, one pipeline from it to one topic, on a log in the test's hand. */
async function setUp(t: TestContext, changes: Changes = {}) {
  const rig = endpointRig(t);
  rig.subscription.unsubscribe();
  rig.endpoint.pause();
  const { endpoint, logger, stats } = rig;
  const log = new FakeLog();
  const { config } = await loadConfig({ text: TEXT, name: 'test' });
  const telemetry = { tracing: NO_TRACING, metrics: async () => {}, stop: async () => {} };
  const context = new GatewayContext(config, () => log, logger, stats, telemetry);
  const topic = context.topic('out');
  const pipeline = new Pipeline({
    name: 'in',
    source: {
      batches$: endpoint.received$,
      open: async () => endpoint.resume(),
      pause: () => endpoint.pause(),
      resume: () => endpoint.resume(),
      close: async () => endpoint.pause(),
    },
    sink: Object.defineProperties(
      {
        open: async () => {},
        write: (batch: Parameters<Topic['write']>[0]) => topic.write(batch),
        close: async () => {},
      },
      { idle: { get: () => topic.idle }, idle$: { value: topic.idle$ } },
    ) as ConstructorParameters<typeof Pipeline>[0]['sink'],
    stages: [],
    batch: { count: 100, bytes: 1_000_000, period: 10 },
    inFlight: { messages: 1_000, bytes: 1_000_000 },
    retries: 0,
    backoff: { initial: 1, max: 1 },
    failurePolicy: () => false,
    stopsOnFailure: false,
    clock: systemClock,
    logger,
    tracing: NO_TRACING,
    metrics: pipelineMetrics(createStats(), 'in'),
  });
  const pipelines = new PipelineSet(() => ({ pipeline, ended: () => {} }), logger);
  pipelines.apply({ in: { source: { spec: { sharing: () => 'all' } } } as unknown as PipelineConfig });
  const orders: string[] = [];
  const server = {
    listen: async () => {
      orders.push('listen');
      return 1;
    },
    close: () => {},
    stopAccepting: () => {
      orders.push('stop accepting');
    },
  };
  const parts = {
    ...(await makeParts(context, { logger, servers: {} })),
    endpoints: {
      byName: new Map([[endpoint.name, endpoint]]),
      all: [endpoint],
      begin: () => {},
    } as unknown as EndpointSet,
    pipelines,
    preparation: new TopicPreparation(
      context.log,
      changes.wantedTopics ?? [{ name: 'out', partitions: 1, create: true }],
      logger,
    ),
    listeners: listenersOf(changes.listeners ?? [new Listener('public', server, logger)]),
  };
  const gateway = new Gateway(context, { ...parts, status: new GatewayStatus(context, parts) });
  const lane = () => {
    const found = log.lanes.get('out');
    assert.ok(found);
    return found;
  };
  return {
    ...rig,
    gateway,
    log,
    lane,
    orders,
    reasons: () => gateway.inspect().reasons,
    state: () => gateway.inspect().state,
  };
}

test('a gateway listens at once, is ready when the log is up and the topics are there, and says why before', async (t) => {
  const { gateway, reasons, log, state } = await setUp(t);
  assert.deepEqual(reasons(), ['the gateway is created']);
  log.trouble = new TidegateError('TG_LOG_UNAVAILABLE', 'refused');
  await gateway.start();
  await turn();
  assert.equal(state(), 'running');
  assert.deepEqual(reasons(), ['the log is not available: connecting']);
  log.link$.next({ state: 'up' });
  assert.deepEqual(reasons(), ['refused']);
  log.trouble = undefined;
  for (let tries = 0; tries < 50 && reasons().length > 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual([reasons(), log.orders], [[], ['open', 'create out']]);
  log.link$.next({ state: 'down', reason: 'reset' });
  assert.deepEqual(reasons(), ['the log is not available: reset']);
  await gateway.stop();
  assert.deepEqual([reasons(), state()], [['the gateway is stopped'], 'stopped']);
});

test('topics that a first start creates are logged in one line, and no line is logged if all exist', async (t) => {
  const wantedTopics = ['orders', '_tidegate.orders.ids'].map((name) => ({ name, create: true }));
  const { gateway, log, infos } = await setUp(t, { wantedTopics });
  await gateway.start();
  log.link$.next({ state: 'up' });
  assert.equal(await gateway.prepared, true);
  assert.deepEqual(
    infos().filter((line) => line.includes('created')),
    ['created 2 topics: orders, _tidegate.orders.ids'],
  );
  await gateway.stop();

  const again = await setUp(t, { wantedTopics: [] });
  await again.gateway.start();
  again.log.link$.next({ state: 'up' });
  assert.equal(await again.gateway.prepared, true);
  assert.ok(!again.infos().join().includes('created'));
  await again.gateway.stop();
});

test('a topic that may not be created keeps the gateway from being ready, and says so', async (t) => {
  const wantedTopics = [{ name: 'out', create: false }];
  const { gateway, reasons, log, errors } = await setUp(t, { wantedTopics });
  await gateway.start();
  log.link$.next({ state: 'up' });
  await turn();
  assert.match(reasons().join(), /the topic out does not exist and log\.topics\.out\.create is false/);
  assert.match(errors().join(), /the topics cannot be prepared/);
  await gateway.stop();
  assert.ok(!log.orders.includes('create out'));
});

test('a topic that the log refuses is logged once and not tried again; too few brokers are tried again', async (t) => {
  const { gateway, reasons, log, errors } = await setUp(t);
  log.trouble = new TidegateError('TG_TOO_FEW_BROKERS', 'one broker, three copies');
  await gateway.start();
  log.link$.next({ state: 'up' });
  await turn();
  assert.match(errors().join(), /trying again: one broker/);
  log.trouble = new TidegateError('TG_TOPIC_INVALID', 'retention.days is no setting');
  // The pause before another try keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const failure = await gateway.failed;
  assert.equal(failure.code, 'TG_TOPIC_INVALID');
  assert.match(failure.message, /retention\.days/);
  assert.deepEqual([reasons(), await gateway.prepared], [[failure.message], false]);
  const said = errors().length;
  log.trouble = undefined;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual([errors().length, log.orders], [said, ['open']], 'nothing is tried any more');
  await gateway.stop();
});

test('a port that cannot be bound ends the start, and what was opened is closed', async (t) => {
  const taken = new TidegateError('TG_LISTEN_FAILED', 'taken');
  const server = { listen: () => Promise.reject(taken), stopAccepting() {}, close() {} };
  const rig = endpointRig(t);
  const { gateway, log, state } = await setUp(t, { listeners: [new Listener('public', server, rig.logger)] });
  await assert.rejects(gateway.start(), taken);
  assert.deepEqual([log.orders, state()], [['open', 'close'], 'stopped']);
});

test('a stop takes no new sockets, waits for the log, answers, closes with 1012, and loses nothing', async (t) => {
  const { gateway, log, lane, connect, orders, endpoint, clock } = await setUp(t);
  await gateway.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(lane().sends, [['a']]);
  const stopping = gateway.stop();
  assert.equal(gateway.stop(), stopping);
  await turn();
  assert.deepEqual([orders, gateway.phase.isStopping], [['listen', 'stop accepting'], true]);
  clock.advance(20);
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
  lane().stores();
  await turn();
  assert.deepEqual(socket.taken(), ['ack a|']);
  assert.equal(socket.orders.at(-1), 'close 1012 service restart');
  socket.closes(1012);
  assert.deepEqual(await stopping, { unsettled: 0 });
  assert.equal(endpoint.actor.getSnapshot().value, 'closed');
  assert.deepEqual(log.orders.at(-1), 'close');
});

test('a clean stop waits for messages of a client that has disconnected, and logs no error', async (t) => {
  const { gateway, log, lane, connect, errors } = await setUp(t);
  await gateway.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('a');
  await turn();
  socket.closes(1001);
  const stopping = gateway.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  lane().stores();
  assert.deepEqual([await stopping, errors()], [{ unsettled: 0 }, []]);
});

test('without a log a stop ends by its deadline, answers retryable and logs how many messages it gave up', async (t) => {
  const { gateway, log, lane, connect, errors, state } = await setUp(t);
  await gateway.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('sent');
  await turn();
  socket.sends('waits');
  await turn();
  assert.deepEqual(lane().sends, [['sent']]);
  const stopping = gateway.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(socket.taken().join(''), 'nack sent TG_LOG_UNAVAILABLE|nack waits TG_STOPPING|');
  assert.equal(socket.orders.at(-1), 'close 1012 service restart');
  socket.closes(1012);
  assert.deepEqual(await stopping, { unsettled: 2 });
  assert.match(errors().join(), /giving up 2 messages that are not known to be in the log/);
  assert.equal(state(), 'stopped');
});

test('a client that does not answer the close is cut, and the stop ends', async (t) => {
  const { gateway, connect } = await setUp(t);
  await gateway.start();
  const socket = await connect();
  socket.terminate = () => {
    socket.orders.push('terminate');
    socket.closes(1006);
  };
  assert.deepEqual(await gateway.stop(), { unsettled: 0 });
  assert.equal(socket.orders.at(-1), 'terminate');
});

test('a stop before the topics could be made ends the wait for them, and nothing is written', async (t) => {
  const { gateway, log, state } = await setUp(t);
  log.trouble = new TidegateError('TG_LOG_UNAVAILABLE', 'refused');
  await gateway.start();
  await turn();
  assert.deepEqual(await gateway.stop(), { unsettled: 0 });
  const prepared = await Promise.race([
    gateway.prepared,
    new Promise((resolve) => setTimeout(resolve, 100, 'pending')),
  ]);
  assert.deepEqual([prepared, state(), log.orders], [false, 'stopped', ['open', 'close']]);
});
