import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Groups } from '../../../src/actors/consumer-group/groups.ts';
import { GatewayLife } from '../../../src/actors/gateway/gateway.ts';
import { MemoryBudget } from '../../../src/actors/gateway/memory.ts';
import type { GatewayParts } from '../../../src/actors/gateway/parts.ts';
import { Listener } from '../../../src/actors/listener/listener.ts';
import { LogLink } from '../../../src/actors/log-link/log-link.ts';
import { pipelineFigures } from '../../../src/actors/pipeline/figures.ts';
import { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { FakeLog } from './fake-log.ts';
import { endpoint, turn } from './rig.ts';

/** A gateway of one listener, one endpoint, one pipeline from it to one topic, on a log in the test's hand. */
function setUp(t: TestContext, changes: Partial<GatewayParts> = {}) {
  const rig = endpoint(t);
  rig.subscription.unsubscribe();
  rig.audience.pause();
  const { audience, logger, stats } = rig;
  const log = new FakeLog();
  const topic = new Topic({ name: 'out', log, logger, stats, tracing: NO_TRACING });
  const pipeline = new Pipeline({
    name: 'in',
    source: {
      batches$: audience.received$,
      open: async () => audience.resume(),
      pause: () => audience.pause(),
      resume: () => audience.resume(),
      close: async () => audience.pause(),
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
    rescue: () => false,
    stopsOnFailure: false,
    clock: systemClock,
    logger,
    tracing: NO_TRACING,
    figures: pipelineFigures(createStats(), 'in'),
  });
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
  const parts: GatewayParts = {
    log,
    link: new LogLink(log, logger),
    listeners: [new Listener('public', server, logger)],
    audiences: [audience],
    groups: new Groups({ log, logger, clock: systemClock, maxHeld: 2 ** 26, polled: () => {} }),
    pipelines: [pipeline],
    groupPipelines: [],
    topics: new Map([['out', topic]]),
    wantedTopics: [{ name: 'out', partitions: 1, create: true }],
    logger,
    ...changes,
  };
  // All but 100 ms of the deadline is kept for last words.
  const life = new GatewayLife(parts, { timeout: 2_100, jitter: 0 });
  const lane = () => {
    const found = log.lanes.get('out');
    assert.ok(found);
    return found;
  };
  return { ...rig, life, log, lane, orders, state: () => life.actor.getSnapshot().value };
}

test('a gateway listens at once, is ready when the log is up and the topics are there, and says why before', async (t) => {
  const { life, log, state } = setUp(t);
  assert.deepEqual(life.troubles, ['the gateway is created']);
  log.trouble = new TidegateError('TG_LOG_UNAVAILABLE', 'refused');
  await life.start();
  await turn();
  assert.equal(state(), 'running');
  assert.deepEqual(life.troubles, ['the log is not available: connecting']);
  log.link$.next({ state: 'up' });
  assert.deepEqual(life.troubles, ['refused']);
  log.trouble = undefined;
  await new Promise((resolve) => setTimeout(resolve, 300));
  await turn();
  assert.deepEqual([life.troubles, log.orders], [[], ['open', 'create out']]);
  log.link$.next({ state: 'down', reason: 'reset' });
  assert.deepEqual(life.troubles, ['the log is not available: reset']);
  await life.stop();
  assert.deepEqual([life.troubles, state()], [['the gateway is stopped'], 'stopped']);
});

test('what a first start creates is told in one line, and nothing where all topics are there', async (t) => {
  const wantedTopics = ['orders', '_tidegate.orders.ids'].map((name) => ({ name, create: true }));
  const { life, log, infos } = setUp(t, { wantedTopics });
  await life.start();
  log.link$.next({ state: 'up' });
  assert.equal(await life.prepared, true);
  assert.deepEqual(
    infos().filter((line) => line.includes('created')),
    ['created 2 topics: orders, _tidegate.orders.ids'],
  );
  await life.stop();

  const again = setUp(t, { wantedTopics: [] });
  await again.life.start();
  again.log.link$.next({ state: 'up' });
  assert.equal(await again.life.prepared, true);
  assert.ok(!again.infos().join().includes('created'));
  await again.life.stop();
});

test('a topic that may not be created keeps the gateway from being ready, and says so', async (t) => {
  const wantedTopics = [{ name: 'out', create: false }];
  const { life, log, errors } = setUp(t, { wantedTopics });
  await life.start();
  log.link$.next({ state: 'up' });
  await turn();
  assert.match(life.troubles.join(), /the topic out does not exist and log\.topics\.out\.create is false/);
  assert.match(errors().join(), /the topics cannot be prepared/);
  await life.stop();
  assert.ok(!log.orders.includes('create out'));
});

test('what the log finds wrong with a topic is told once, and not tried again; too few brokers are', async (t) => {
  const { life, log, errors } = setUp(t);
  log.trouble = new TidegateError('TG_TOO_FEW_BROKERS', 'one broker, three copies');
  await life.start();
  log.link$.next({ state: 'up' });
  await turn();
  assert.match(errors().join(), /trying again: one broker/);
  log.trouble = new TidegateError('TG_TOPIC_INVALID', 'retention.days is no setting');
  // The pause before another try keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const failure = await life.failed;
  assert.equal(failure.code, 'TG_TOPIC_INVALID');
  assert.match(failure.message, /retention\.days/);
  assert.deepEqual([life.troubles, await life.prepared], [[failure.message], false]);
  const said = errors().length;
  log.trouble = undefined;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual([errors().length, log.orders], [said, ['open']], 'nothing is tried any more');
  await life.stop();
});

test('a port that cannot be bound ends the start, and what was opened is closed', async (t) => {
  const taken = new TidegateError('TG_LISTEN_FAILED', 'taken');
  const server = { listen: () => Promise.reject(taken), stopAccepting() {}, close() {} };
  const rig = endpoint(t);
  const { life, log, state } = setUp(t, { listeners: [new Listener('public', server, rig.logger)] });
  await assert.rejects(life.start(), taken);
  assert.deepEqual([log.orders, state()], [['open', 'close'], 'stopped']);
});

test('a stop takes no new sockets, waits for the log, answers, closes with 1012, and loses nothing', async (t) => {
  const { life, log, lane, connect, orders, audience } = setUp(t);
  await life.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(lane().sends, [['a']]);
  const stopping = life.stop();
  assert.equal(life.stop(), stopping);
  assert.deepEqual([orders, life.isStopping], [['listen', 'stop accepting'], true]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
  lane().stores();
  await turn();
  assert.deepEqual(socket.taken(), ['ack a|']);
  assert.equal(socket.orders.at(-1), 'close 1012 service restart');
  socket.closes(1012);
  assert.deepEqual(await stopping, { unsettled: 0 });
  assert.equal(audience.actor.getSnapshot().value, 'closed');
  assert.deepEqual(log.orders.at(-1), 'close');
});

test('a clean stop with messages of a client that has left waits for them, and complains of nothing', async (t) => {
  const { life, log, lane, connect, errors } = setUp(t);
  await life.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('a');
  await turn();
  socket.closes(1001);
  const stopping = life.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  lane().stores();
  assert.deepEqual([await stopping, errors()], [{ unsettled: 0 }, []]);
});

test('with the log away a stop ends by its deadline, answers retryable and says how many', async (t) => {
  const { life, log, lane, connect, errors, state } = setUp(t);
  await life.start();
  log.link$.next({ state: 'up' });
  await turn();
  const socket = await connect();
  socket.sends('sent');
  await turn();
  socket.sends('waits');
  await turn();
  assert.deepEqual(lane().sends, [['sent']]);
  const stopping = life.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(socket.taken().join(''), 'nack sent TG_LOG_UNAVAILABLE|nack waits TG_STOPPING|');
  assert.equal(socket.orders.at(-1), 'close 1012 service restart');
  socket.closes(1012);
  assert.deepEqual(await stopping, { unsettled: 2 });
  assert.match(errors().join(), /giving up 2 messages that are not known to be in the log/);
  assert.equal(state(), 'stopped');
});

test('a client that does not answer the close is cut, and the stop ends all the same', async (t) => {
  const { life, connect } = setUp(t);
  await life.start();
  const socket = await connect();
  socket.terminate = () => {
    socket.orders.push('terminate');
    socket.closes(1006);
  };
  assert.deepEqual(await life.stop(), { unsettled: 0 });
  assert.equal(socket.orders.at(-1), 'terminate');
});

test('more than memory.limit held for clients closes whoever holds most, and no more than have to go', async (t) => {
  const { audience, connect, stats, logger, warnings } = endpoint(t);
  const sockets = [await connect(), await connect(), await connect()];
  for (const [index, size] of [500, 900, 700].entries()) {
    const socket = sockets[index];
    if (socket !== undefined) socket.partial = size;
  }
  t.mock.timers.enable({ apis: ['setInterval'] });
  const budget = new MemoryBudget(1_000, [audience], stats, logger);
  t.mock.timers.tick(1_000);
  budget.close();
  assert.deepEqual(
    sockets.map(({ orders }) => orders.at(-1)),
    [undefined, 'close 1009 out of memory', 'close 1009 out of memory'],
  );
  assert.equal(audience.heldBytes, 500);
  assert.equal(warnings().filter((text) => text.includes('memory.limit allows')).length, 1);
});
