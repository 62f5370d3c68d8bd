import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NEVER } from 'rxjs';
import type { GroupSubscription } from '../../../../src/actors/consumer-group/groups.ts';
import { TopicService, type TopicServiceOptions } from '../../../../src/actors/topic-service/topic-service.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import type { SubscriptionRequest, TopicRequest } from '../../../../src/core/topic-request.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { FakeLog } from '../fake-log.ts';
import { keptLogger, turn } from '../rig.ts';
import { delivery, FakeClient, FakeSeat, placeOf } from './fakes.ts';

type Request = Exclude<TopicRequest, { type: 'publish' }>;

const EVERYTHING = { create: ['*'], read: ['*'], write: ['*'], groups: ['*'] } as const;

/** One client that may do everything, on a log with the topics t and u, and groups that are joined when the test says so. */
function setUp(changes: Partial<TopicServiceOptions> = {}) {
  const clock = new HandClock();
  const kept = keptLogger();
  const log = new FakeLog();
  const topics = new Map([
    ['u', 1],
    ['t', 2],
  ]);
  log.admin.topics = async () => topics;
  const joined: (GroupSubscription & { readonly seat: FakeSeat })[] = [];
  const join = (subscription: GroupSubscription) => {
    const seat = new FakeSeat([0]);
    joined.push({ ...subscription, seat });
    return seat;
  };
  const published: string[] = [];
  const service = new TopicService({
    log,
    groups: { join },
    topic: (name) => ({
      write: ({ messages }) => void published.push(`${name}: ${messages.length}`),
      idle: true,
      idle$: NEVER,
    }),
    opened: () => undefined,
    patience: 0,
    allow: EVERYTHING,
    ownGroups: new Set(),
    group: 'default-group',
    from: 'latest',
    limits: { topics: 3, creates: 4 },
    inFlight: { messages: 1_000, bytes: 1_000_000 },
    publish: { limit: 100, interval: 0 },
    notify: { limit: 100, interval: 0 },
    timing: { commitInterval: 1_000, sessionTimeout: 10_000 },
    paused: false,
    clock,
    logger: kept.logger,
    ...changes,
  });
  const enter = () => {
    const client = new FakeClient();
    service.enter(client);
    return client;
  };
  const client = enter();
  let correlation = 0;
  /** Asks and does not wait for the answer; the number finds it. */
  const send = (request: Request, by = client) => {
    correlation += 1;
    service.request(by, request, correlation);
    return correlation;
  };
  /** What became of a request, after a turn: the result, or the code of the failure; undefined while it is pending. */
  const answer = async (number: number, by = client) => {
    await turn();
    const outcome = by.outcomes.get(number);
    return outcome === undefined || outcome.ok ? outcome?.result : outcome.rejection.code;
  };
  const ask = (request: Request, by = client) => answer(send(request, by), by);
  const subscription = (request: Partial<SubscriptionRequest> = {}): Request => ({
    type: 'subscribe',
    subscription: { topics: ['t'], commit: 'auto', wait: false, ...request },
  });
  const subscribe = async (request: Partial<SubscriptionRequest> = {}, by = client) => {
    const number = send(subscription(request), by);
    await turn();
    joined.at(-1)?.seat.goLive();
    return answer(number, by);
  };
  return {
    clock,
    log,
    topics,
    joined,
    published,
    service,
    client,
    enter,
    send,
    answer,
    ask,
    subscription,
    subscribe,
    ...kept,
  };
}

const create = (...names: string[]): Request => ({ type: 'create', topics: names.map((name) => ({ name })) });
const DONE = { type: 'done' };

test('without a word in the configuration a client may do nothing', async () => {
  const nothing = { create: [], read: [], write: [], groups: [] };
  const { service, log, joined, ask, subscription } = setUp({ allow: nothing });
  assert.equal(await ask(create('a')), 'TG_NOT_ALLOWED');
  assert.equal(await ask(subscription()), 'TG_NOT_ALLOWED');
  assert.equal(service.refusal('t')?.code, 'TG_NOT_ALLOWED');
  assert.deepEqual(await ask({ type: 'list' }), { type: 'listed', partitions: [] });
  assert.deepEqual([log.orders, joined], [[], []]);
});

test('names and patterns allow what fits them: topics to create, read and write, and groups to join', async () => {
  const allow = { create: ['new-*'], read: ['t', 'public-*'], write: ['in.*'], groups: ['team-*'] };
  const { service, topics, log, joined, ask, subscribe } = setUp({ allow });
  for (const name of ['public-1', 'in.1', 'inx1']) topics.set(name, 1);
  assert.deepEqual(await ask(create('new-1')), { type: 'created', topics: ['new-1'] });
  assert.equal(await ask(create('new-2', 'old-1')), 'TG_NOT_ALLOWED');
  assert.deepEqual(log.orders, ['create new-1'], 'one that is not allowed and none is created');
  const codes = ['in.1', 'inx1', 't', 'new-1'].map((name) => service.refusal(name)?.code);
  assert.deepEqual(codes, [undefined, 'TG_NOT_ALLOWED', 'TG_NOT_ALLOWED', 'TG_NOT_ALLOWED']);
  const listed = await ask({ type: 'list' });
  assert.deepEqual(listed, {
    type: 'listed',
    partitions: [
      { topic: 'in.1', partition: 0 },
      { topic: 'public-1', partition: 0 },
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ],
  });
  assert.equal(await subscribe({ topics: ['t', 'u'], group: 'team-a' }), 'TG_NOT_ALLOWED');
  assert.equal(await subscribe({ topics: ['t'], group: 'steam-a' }), 'TG_NOT_ALLOWED');
  assert.equal(await subscribe({ topics: ['t'] }), 'TG_NOT_ALLOWED', 'the default group is no exception');
  assert.equal(joined.length, 0);
  assert.deepEqual(await subscribe({ topics: ['t', 'public-1'], group: 'team-a' }), {
    type: 'subscribed',
    topics: ['t', 'public-1'],
  });
});

test('groups in which the gateway reads itself are closed to clients, whatever is allowed', async () => {
  const { joined, subscribe } = setUp({ ownGroups: new Set(['billing']) });
  assert.equal(await subscribe({ group: 'billing' }), 'TG_NOT_ALLOWED');
  assert.equal(joined.length, 0);
  assert.deepEqual(await subscribe({ group: 'billing-2' }), { type: 'subscribed', topics: ['t'] });
});

test('topics of brokers and of gateways are nobody’s, whatever is allowed', async () => {
  const { service, topics, log, ask, subscribe } = setUp();
  for (const name of ['__consumer_offsets', '_tidegate.rooms.presence', '_mine']) topics.set(name, 1);
  for (const name of ['__consumer_offsets', '_tidegate.rooms.presence', '__new', '_tidegate']) {
    assert.equal(await subscribe({ topics: [name], wait: true }), 'TG_NOT_ALLOWED', name);
    assert.equal(await ask(create(name)), 'TG_NOT_ALLOWED', name);
    assert.equal(service.refusal(name)?.code, 'TG_NOT_ALLOWED', name);
  }
  assert.deepEqual(log.orders, []);
  assert.equal(service.refusal('_mine'), undefined);
  const listed = await ask({ type: 'list' });
  assert.ok(typeof listed === 'object' && listed.type === 'listed');
  assert.deepEqual([...new Set(listed.partitions.map(({ topic }) => topic))], ['_mine', 't', 'u']);
});

test('a client creates so many topics a minute; what is refused is not counted', async () => {
  const { clock, log, ask, enter } = setUp();
  assert.deepEqual(await ask(create('a', 'b', 'c')), { type: 'created', topics: ['a', 'b', 'c'] });
  assert.equal(await ask(create('d', 'e')), 'TG_LIMIT_REACHED');
  clock.advance(30_000);
  assert.deepEqual(await ask(create('d')), { type: 'created', topics: ['d'] });
  assert.equal(await ask(create('e')), 'TG_LIMIT_REACHED');
  clock.advance(30_000);
  assert.deepEqual(await ask(create('e', 'f', 'g')), { type: 'created', topics: ['e', 'f', 'g'] });
  assert.equal(await ask(create('h')), 'TG_LIMIT_REACHED');
  const other = enter();
  assert.deepEqual(await ask(create('i'), other), { type: 'created', topics: ['i'] });
  assert.equal(log.orders.join(), 'abcdefgi'.replaceAll(/(.)/g, ',create $1').slice(1));
});

test('what is published is collected, and goes at once where a client waits for it', async () => {
  const { service, published } = setUp({ publish: { limit: 100, interval: 200 } });
  const message = () => new Message(Buffer.from('x'));
  service.publish('t', message());
  service.flush();
  await turn();
  assert.deepEqual(published, ['t: 1'], 'the topic is there');
  service.publish('t', message());
  service.publish('t', message());
  assert.equal(published.length, 1);
  service.flush();
  assert.deepEqual(published.slice(1), ['t: 2']);
});

test('publishing to names that do not exist opens no topic, whose lane and metrics would stay; one just created is open at once', async () => {
  const opened: string[] = [];
  const topic = (name: string) => {
    opened.push(name);
    return { write: () => {}, idle: true, idle$: NEVER };
  };
  const { service, topics, clock, ask } = setUp({ topic });
  const failures: unknown[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => void failures.push(failure?.code) };
  const publish = (name: string) => service.publish(name, new Message(Buffer.from('x'), { target }));
  for (let name = 0; name < 100; name += 1) publish(`nope-${name}`);
  for (let look = 0; look < 2; look += 1) {
    await turn();
    clock.advance(250);
  }
  await turn();
  assert.deepEqual([failures.length, new Set(failures)], [100, new Set(['TG_TOPIC_MISSING'])]);
  assert.deepEqual(opened, []);
  await ask(create('new'));
  topics.set('new', 1);
  publish('new');
  service.flush();
  assert.deepEqual(opened, ['new']);
});

test('a stop sends on what is still being collected, and refuses what is for names that nobody knows', async () => {
  const { service, published } = setUp({ publish: { limit: 100, interval: 200 } });
  const failures: unknown[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => void failures.push(failure?.code) };
  service.publish('t', new Message(Buffer.from('x'), { target }));
  await service.emptied();
  assert.deepEqual(published, ['t: 1']);
  service.publish('u', new Message(Buffer.from('x'), { target }));
  service.publish('nope', new Message(Buffer.from('x'), { target }));
  service.abandon();
  assert.deepEqual(failures, ['TG_STOPPING']);
});

test('a subscription that names no group and no start gets those of the endpoint', async () => {
  const { joined, subscribe } = setUp();
  assert.deepEqual(await subscribe(), { type: 'subscribed', topics: ['t'] });
  const from = { offsets: { u: { 0: 7 } } };
  await subscribe({ topics: ['u'], group: 'mine', from });
  assert.deepEqual(
    joined.map(({ group, topics, from }) => ({ group, topics, from })),
    [
      { group: 'default-group', topics: ['t'], from: 'latest' },
      { group: 'mine', topics: ['u'], from },
    ],
  );
});

test('a subscription is answered once the group is live, and brings records only after that', async () => {
  const { joined, client, send, answer, subscription } = setUp();
  const number = send(subscription());
  assert.equal(await answer(number), undefined);
  const [first] = joined;
  assert.ok(first !== undefined);
  assert.equal(first.consumer.room, 0);
  first.seat.goLive();
  assert.deepEqual(await answer(number), { type: 'subscribed', topics: ['t'] });
  assert.equal(first.consumer.room, 100);
  first.consumer.take(delivery(0, 0, 100));
  assert.deepEqual(client.written[0], 'answer 1');
  assert.equal(client.records.length, 100);
});

test('a subscription begins paused where the endpoint says so', async () => {
  const { joined, ask, subscribe } = setUp({ paused: true });
  await subscribe();
  assert.equal(joined[0]?.consumer.room, 0);
  assert.deepEqual(await ask({ type: 'resume' }), DONE);
  assert.equal(joined[0]?.consumer.room, 100);
});

test('a topic that does not exist is an error, which leaves the subscription before as it is', async () => {
  const { joined, ask, subscribe } = setUp();
  await subscribe();
  assert.equal(await subscribe({ topics: ['t', 'nowhere'] }), 'TG_TOPIC_MISSING');
  assert.equal(await subscribe({ topics: ['t', 'u', 'v', 'w'] }), 'TG_LIMIT_REACHED');
  assert.deepEqual([joined.length, joined[0]?.seat.hasLeft], [1, false]);
  assert.deepEqual(await ask({ type: 'health' }), { type: 'health', consumers: [{ ws: 1, topics: ['t'] }] });
});

test('a topic may be waited for: it is looked for every second, and the subscription before goes on meanwhile', async () => {
  const { clock, topics, joined, send, answer, subscription, subscribe } = setUp();
  await subscribe();
  const number = send(subscription({ topics: ['later'], wait: true }));
  for (let second = 0; second < 3; second += 1) {
    assert.equal(await answer(number), undefined);
    clock.advance(1_000);
  }
  assert.deepEqual([joined.length, joined[0]?.seat.hasLeft], [1, false]);
  topics.set('later', 1);
  await turn();
  clock.advance(1_000);
  await turn();
  assert.deepEqual([joined.length, joined[0]?.seat.hasLeft], [2, true]);
  joined[1]?.seat.goLive();
  assert.deepEqual(await answer(number), { type: 'subscribed', topics: ['later'] });
});

test('nobody looks any more for the topic of a client that has gone, or has subscribed to something else', async () => {
  const { clock, service, client, joined, enter, send, answer, subscription, subscribe } = setUp();
  const number = send(subscription({ topics: ['later'], wait: true }));
  const other = enter();
  send(subscription({ topics: ['later'], wait: true }), other);
  await turn();
  assert.equal(clock.pending, 2);
  await subscribe();
  service.leave(other);
  clock.advance(1_000);
  assert.equal(await answer(number), 'TG_NOT_SUBSCRIBED');
  assert.deepEqual([clock.pending, joined.length], [0, 1]);
  assert.ok(client.outcomes.size === 2);
});

test('a second subscription takes the place of the first, which leaves before', async () => {
  const { joined, ask, subscribe } = setUp();
  await subscribe();
  assert.deepEqual(await subscribe({ topics: ['u'] }), { type: 'subscribed', topics: ['u'] });
  assert.deepEqual(
    joined.map(({ seat }) => seat.hasLeft),
    [true, false],
  );
  assert.deepEqual(await ask({ type: 'health' }), { type: 'health', consumers: [{ ws: 1, topics: ['u'] }] });
});

test('a subscription that is overtaken while its group is joined is told so; the newer one is not', async () => {
  const { joined, send, answer, subscription } = setUp();
  const first = send(subscription());
  await turn();
  const second = send(subscription({ topics: ['u'] }));
  await turn();
  for (const { seat } of joined) seat.goLive();
  assert.equal(await answer(first), 'TG_NOT_SUBSCRIBED');
  assert.deepEqual(await answer(second), { type: 'subscribed', topics: ['u'] });
  assert.equal(joined[0]?.seat.hasLeft, true);
});

test('a later request that fails does not take back a subscription whose group is still being joined', async () => {
  const { joined, send, answer, ask, subscription } = setUp();
  const first = send(subscription());
  await turn();
  assert.equal(await ask(subscription({ topics: ['nowhere'] })), 'TG_TOPIC_MISSING');
  joined[0]?.seat.goLive();
  assert.deepEqual(await answer(first), { type: 'subscribed', topics: ['t'] });
  assert.equal(joined[0]?.consumer.room, 100);
});

test('a group that the log refuses ends the subscription, with its reason', async () => {
  const { joined, ask, send, answer, subscription } = setUp();
  const number = send(subscription());
  await turn();
  joined[0]?.seat.refuse(new TidegateError('TG_NOT_AUTHORIZED', 'no'));
  assert.equal(await answer(number), 'TG_NOT_AUTHORIZED');
  assert.equal(joined[0]?.seat.hasLeft, true);
  assert.equal(await ask({ type: 'pause' }), 'TG_NOT_SUBSCRIBED');
});

test('a group that cannot be joined for 15 seconds is not waited for any longer', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { client, joined, send, answer, subscription } = setUp();
  const number = send(subscription());
  await turn();
  t.mock.timers.tick(14_999);
  assert.equal(await answer(number), undefined);
  t.mock.timers.tick(1);
  assert.equal(await answer(number), 'TG_GROUP_FAILED');
  const outcome = client.outcomes.get(number);
  assert.equal(outcome?.ok === false && outcome.rejection.retryable, true);
  assert.equal(joined[0]?.seat.hasLeft, true);
});

test('what needs a subscription is refused without one, and done with one', async () => {
  const { joined, ask, subscribe } = setUp();
  const requests: Request[] = [
    { type: 'commit' },
    { type: 'seek', positions: [{ ...placeOf(0), offset: 5 }] },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'grant', records: 5 },
    { type: 'unsubscribe' },
  ];
  for (const request of requests) assert.equal(await ask(request), 'TG_NOT_SUBSCRIBED', request.type);
  await subscribe({ commit: 'manual' });
  joined[0]?.consumer.take(delivery(0, 0, 2));
  await turn();
  for (const request of requests) assert.deepEqual(await ask(request), DONE, request.type);
  assert.deepEqual(joined[0]?.seat.confirmed, ['0/2 by 1']);
  assert.deepEqual([joined[0]?.seat.sought, joined[0]?.seat.hasLeft], [['0/5'], true]);
  assert.equal(await ask({ type: 'unsubscribe' }), 'TG_NOT_SUBSCRIBED');
});

test('pongs and room reach the subscription of their client and no other', async () => {
  const { service, client, joined, enter, subscribe } = setUp();
  const other = enter();
  await subscribe();
  await subscribe({}, other);
  const [mine, theirs] = joined;
  mine?.consumer.take(delivery(0, 0));
  theirs?.consumer.take(delivery(0, 0, 2));
  await turn();
  service.ponged(other, other.pings[0] ?? 0);
  assert.deepEqual([mine?.seat.confirmed, theirs?.seat.confirmed], [[], ['0/2 by 1']]);
  service.ponged(client, client.pings[0] ?? 0);
  assert.deepEqual(mine?.seat.confirmed, ['0/1 by 1']);
  client.isFree = false;
  assert.equal(mine?.consumer.room, 0);
  client.isFree = true;
  const readied = mine?.seat.readied ?? 0;
  service.drained(other);
  assert.equal(mine?.seat.readied, readied);
  service.drained(client);
  assert.equal(mine?.seat.readied, readied + 1);
});

test('health names every socket of the endpoint in the order of coming, until it goes', async () => {
  const { service, client, enter, ask, subscribe } = setUp();
  const other = enter();
  await subscribe({ topics: ['u', 't'] }, other);
  const consumers = async () => {
    const result = await ask({ type: 'health' }, other);
    return typeof result === 'object' && result.type === 'health' ? result.consumers : undefined;
  };
  assert.deepEqual(await consumers(), [
    { ws: 1, topics: [] },
    { ws: 2, topics: ['u', 't'] },
  ]);
  service.leave(client);
  enter();
  assert.deepEqual(await consumers(), [
    { ws: 2, topics: ['u', 't'] },
    { ws: 3, topics: [] },
  ]);
});

test('a client that goes leaves its group; what it asks afterwards is not heard', async () => {
  const { service, client, joined, ask, subscribe } = setUp();
  await subscribe();
  service.leave(client);
  assert.equal(joined[0]?.seat.hasLeft, true);
  assert.equal(await ask({ type: 'list' }), undefined);
});

test('a log that is away is an answer, too', async () => {
  const { log, ask, subscription } = setUp();
  const away = async () => {
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  };
  Object.assign(log.admin, { topics: away, create: away });
  assert.equal(await ask({ type: 'list' }), 'TG_LOG_UNAVAILABLE');
  assert.equal(await ask(create('a')), 'TG_LOG_UNAVAILABLE');
  assert.equal(await ask(subscription()), 'TG_LOG_UNAVAILABLE');
});
