import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import type { GroupSubscription } from '../../../src/actors/consumer-group/groups.ts';
import type { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { InternalTopics } from '../../../src/core/internal-topics.ts';
import { Message } from '../../../src/core/message.ts';
import { type AllowedActions, Permissions } from '../../../src/core/permissions.ts';
import type { SubscriptionRequest, TopicRequest } from '../../../src/core/topic-request.ts';
import type { TopicSettings } from '../../../src/topics/settings.ts';
import type { TopicServiceContext } from '../../../src/topics/topic-service.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { delivery, FakeClient, FakeHandle, placeOf } from './fakes.ts';
import { makeService } from './service.ts';

type Request = Exclude<TopicRequest, { type: 'publish' }>;

const MAXIMA = { partitions: 10, replication: 3, config: { 'retention.ms': 60_000, 'retention.bytes': 1_000 } };

interface Changes {
  readonly context?: Partial<TopicServiceContext>;
  readonly topics?: Partial<TopicSettings>;
  readonly allow?: AllowedActions;
}

/** One client that may do everything, on a log with the topics t and u, and groups that are joined when the test says so. */
function setUp(changes: Changes = {}) {
  const clock = new HandClock();
  const kept = keptLogger();
  const log = new FakeLog();
  const topics = new Map([
    ['u', 1],
    ['t', 2],
  ]);
  log.admin.topics = async () => topics;
  const joined: (GroupSubscription & { readonly handle: FakeHandle })[] = [];
  const join = (subscription: GroupSubscription) => {
    const handle = new FakeHandle([0]);
    joined.push({ ...subscription, handle });
    return handle;
  };
  const published: string[] = [];
  const service = makeService(
    {
      log,
      clock,
      logger: kept.logger,
      groups: {
        join,
        has: (group, topics) => joined.some((one) => one.group === group && `${one.topics}` === `${topics}`),
        get size() {
          return joined.length;
        },
      },
      openTopic: (name) => ({
        write: ({ messages }) => void published.push(`${name}: ${messages.length}`),
        idle: true,
        idle$: NEVER,
      }),
      internalTopics: new InternalTopics(['my-connect.configs']),
      ...changes.context,
    },
    changes.topics,
    { maxima: MAXIMA },
  );
  const enter = () => {
    const client = new FakeClient();
    if (changes.allow !== undefined) client.permissions = new Permissions(changes.allow);
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
    const view = by.views.get(number);
    if (view !== undefined) return view;
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
    joined.at(-1)?.handle.goLive();
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
  const { service, client, log, joined, ask, subscription } = setUp({ allow: nothing });
  assert.equal(await ask(create('a')), 'TG_NOT_ALLOWED');
  assert.equal(await ask(subscription()), 'TG_NOT_ALLOWED');
  assert.equal(service.refusal(client, 't')?.code, 'TG_NOT_ALLOWED');
  assert.deepEqual(await ask({ type: 'list' }), { type: 'listed', topics: [] });
  assert.deepEqual([log.orders, joined], [[], []]);
});

test('names and patterns allow what fits them: topics to create, read and write, and groups to join', async () => {
  const allow = { create: ['new-*'], read: ['t', 'public-*'], write: ['in.*'], groups: ['team-*'] };
  const { service, client, topics, log, joined, ask, subscribe } = setUp({ allow });
  for (const name of ['public-1', 'in.1', 'inx1']) topics.set(name, 1);
  assert.deepEqual(await ask(create('new-1')), { type: 'created', topics: ['new-1'] });
  assert.equal(await ask(create('new-2', 'old-1')), 'TG_NOT_ALLOWED');
  assert.deepEqual(log.orders, ['create new-1'], 'one that is not allowed and none is created');
  const codes = ['in.1', 'inx1', 't', 'new-1'].map((name) => service.refusal(client, name)?.code);
  assert.deepEqual(codes, [undefined, 'TG_NOT_ALLOWED', 'TG_NOT_ALLOWED', 'TG_NOT_ALLOWED']);
  const listed = await ask({ type: 'list' });
  assert.deepEqual(listed, {
    type: 'listed',
    topics: [
      { topic: 'in.1', partitions: 1 },
      { topic: 'public-1', partitions: 1 },
      { topic: 't', partitions: 2 },
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
  const { joined, subscribe } = setUp({ context: { ownGroups: new Set(['billing']) } });
  assert.equal(await subscribe({ group: 'billing' }), 'TG_NOT_ALLOWED');
  assert.equal(joined.length, 0);
  assert.deepEqual(await subscribe({ group: 'billing-2' }), { type: 'subscribed', topics: ['t'] });
});

test('each client has the rights of its own: in lists, in health, and when it has other ones later', async () => {
  const { clock, service, client, enter, topics, ask, send, answer, subscription, subscribe } = setUp();
  const other = enter();
  other.permissions = new Permissions({ read: ['u', 'later'], groups: ['*'] });
  assert.deepEqual(await ask({ type: 'list' }, other), { type: 'listed', topics: [{ topic: 'u', partitions: 1 }] });
  const all = await ask({ type: 'list' });
  assert.ok(typeof all === 'object' && all.type === 'listed' && all.topics.length === 2);
  assert.equal(await ask({ type: 'list' }), all, 'one object for all to whom the same is allowed');
  await subscribe();
  assert.deepEqual(await ask({ type: 'health' }, other), {
    type: 'health',
    consumers: [
      { ws: 1, topics: [] },
      { ws: 2, topics: [] },
    ],
  });
  assert.equal(service.mayContinue(other), true, 'it has no subscription');
  // It waits for a topic, and may not read it any more when that is there.
  const waits = send(subscription({ topics: ['later'], wait: true }), other);
  await turn();
  other.permissions = new Permissions({ read: ['u'], groups: ['*'] });
  topics.set('later', 1);
  clock.advance(1_000);
  assert.equal(await answer(waits, other), 'TG_NOT_ALLOWED');
  for (const [allow, expected] of [
    [{ read: ['t'], groups: ['default-group'] }, true],
    [{ read: ['u'], groups: ['default-group'] }, false],
    [{ read: ['t'], groups: ['g'] }, false],
  ] as const) {
    client.permissions = new Permissions(allow);
    assert.equal(service.mayContinue(client), expected, JSON.stringify(allow));
  }
});

test('internal topics are closed to clients, whatever is allowed and whatever their names are', async () => {
  const { service, client, topics, log, ask, subscribe } = setUp();
  for (const name of ['__consumer_offsets', '_tidegate.rooms.presence', 'my-connect.configs', '_mine'])
    topics.set(name, 1);
  for (const name of ['__consumer_offsets', '_tidegate.rooms.presence', '__new', '_tidegate', 'my-connect.configs']) {
    assert.equal(await subscribe({ topics: [name], wait: true }), 'TG_NOT_ALLOWED', name);
    assert.equal(await ask(create(name)), 'TG_NOT_ALLOWED', name);
    assert.equal(service.refusal(client, name)?.code, 'TG_NOT_ALLOWED', name);
  }
  assert.deepEqual(log.orders, []);
  assert.equal(service.refusal(client, '_mine'), undefined);
  const listed = await ask({ type: 'list' });
  assert.ok(typeof listed === 'object' && listed.type === 'listed');
  assert.deepEqual(
    listed.topics.map(({ topic }) => topic),
    ['_mine', 't', 'u'],
  );
});

test('the limit of created topics holds for an address over all connections; refusals do not count', async () => {
  const { service, clock, log, ask, enter } = setUp();
  assert.deepEqual(await ask(create('a', 'b', 'c')), { type: 'created', topics: ['a', 'b', 'c'] });
  assert.equal(await ask(create('d', 'e')), 'TG_LIMIT_REACHED');
  clock.advance(30_000);
  const second = enter();
  assert.deepEqual(await ask(create('d'), second), { type: 'created', topics: ['d'] });
  service.leave(second);
  assert.equal(await ask(create('e'), enter()), 'TG_LIMIT_REACHED');
  const other = enter();
  other.address = '192.0.2.2';
  assert.deepEqual(await ask(create('e'), other), { type: 'created', topics: ['e'] });
  clock.advance(30_000);
  assert.deepEqual(await ask(create('f', 'g', 'h')), { type: 'created', topics: ['f', 'g', 'h'] });
  assert.equal(await ask(create('i')), 'TG_LIMIT_REACHED');
  assert.equal(log.orders.join(), 'abcdefgh'.replaceAll(/(.)/g, ',create $1').slice(1));
});

test('two connections of one address that ask at the same time share the limit', async () => {
  const { log, send, answer, enter } = setUp();
  const second = enter();
  const [first, late] = [send(create('a', 'b', 'c')), send(create('d', 'e'), second)];
  assert.deepEqual(await answer(first), { type: 'created', topics: ['a', 'b', 'c'] });
  assert.equal(await answer(late, second), 'TG_LIMIT_REACHED');
  assert.equal(log.orders.length, 3);
});

test('topics that exist already do not count, so clients that create at connect are all let in again', async () => {
  const { log, ask, enter } = setUp();
  for (let client = 0; client < 10; client += 1)
    assert.deepEqual(await ask(create('t', 'u'), enter()), { type: 'created', topics: ['t', 'u'] });
  assert.deepEqual(log.orders, []);
  assert.deepEqual(await ask(create('t', 'a', 'b', 'c', 'd')), { type: 'created', topics: ['t', 'a', 'b', 'c', 'd'] });
  assert.equal(await ask(create('t', 'e')), 'TG_LIMIT_REACHED');
});

test('a topic that another client creates at the same time counts once', async () => {
  const { log, send, answer, ask, enter } = setUp();
  const made = new Set<string>();
  log.admin.create = async ({ name }) => made.size < made.add(name).size;
  const second = enter();
  const [first, late] = [send(create('a', 'b')), send(create('a', 'b'), second)];
  assert.deepEqual(await answer(first), { type: 'created', topics: ['a', 'b'] });
  assert.deepEqual(await answer(late, second), { type: 'created', topics: ['a', 'b'] });
  assert.deepEqual(await ask(create('c', 'd')), { type: 'created', topics: ['c', 'd'] });
  assert.equal(await ask(create('e')), 'TG_LIMIT_REACHED');
});

test('a client creates no topic above what the operator lets topics have, and none of its request then', async () => {
  const { log, ask } = setUp();
  const topic = (config: Record<string, string>, more = {}) =>
    ask({ type: 'create', topics: [{ name: 'a' }, { name: 'b', config, ...more }] });
  assert.equal(await topic({ 'retention.bytes': `1${'0'.repeat(20)}` }), 'TG_NOT_ALLOWED');
  assert.equal(await topic({}, { partitions: 11 }), 'TG_NOT_ALLOWED');
  assert.deepEqual(log.orders, []);
  assert.deepEqual(await topic({ 'retention.bytes': '1000' }), { type: 'created', topics: ['a', 'b'] });
});

test('the number of groups is limited, and clients may always join one that has consumers', async () => {
  const { joined, subscribe, enter } = setUp({ topics: { max_groups: 2 } });
  for (const group of ['a', 'b']) assert.equal(typeof (await subscribe({ group })), 'object', group);
  assert.equal(await subscribe({ group: 'c' }), 'TG_LIMIT_REACHED');
  assert.equal(await subscribe({ group: 'a', topics: ['u'] }), 'TG_LIMIT_REACHED', 'other topics are another member');
  assert.equal(typeof (await subscribe({ group: 'b' }, enter())), 'object');
  assert.equal(joined.length, 3);
  const left = joined.map(({ handle }) => handle.hasLeft);
  assert.deepEqual(left, [true, false, false], 'a subscription that is refused leaves the one before as it is');
});

test('the limit of new groups holds for an address over all connections; existing groups are free', async () => {
  const { clock, subscribe, enter } = setUp({ topics: { groups_per_minute: 2 } });
  for (const group of ['a', 'b', 'a']) assert.equal(typeof (await subscribe({ group }, enter())), 'object', group);
  assert.equal(await subscribe({ group: 'c' }, enter()), 'TG_LIMIT_REACHED');
  const other = enter();
  other.address = '192.0.2.2';
  assert.equal(typeof (await subscribe({ group: 'c' }, other)), 'object');
  clock.advance(60_000);
  assert.equal(typeof (await subscribe({ group: 'd' }, enter())), 'object');
});

test('published messages are collected, and passed on at once if a client waits', async () => {
  const { service, published } = setUp({ topics: { publish: { limit: 100, interval: 200 } } });
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

test('publishing to a missing topic opens no lane; a topic that was just created is open at once', async () => {
  const opened: string[] = [];
  const openTopic = (name: string) => {
    opened.push(name);
    return { write: () => {}, idle: true, idle$: NEVER };
  };
  const { service, topics, clock, ask } = setUp({ context: { openTopic } });
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

test('refused messages are logged in one line for a while, retryable failures are not', async () => {
  const refused: TidegateError[] = [];
  const openTopic = () => ({
    write: (batch: Batch) => batch.nack(refused.shift() as TidegateError),
    idle: true,
    idle$: NEVER,
  });
  const { service, warnings, lines } = setUp({ context: { openTopic } });
  const target = { settled: () => {} };
  const publish = async (failure: TidegateError) => {
    refused.push(failure);
    service.publish('t', new Message(Buffer.from('x'), { target, meta: { client_id: 'c-7' } }));
    service.flush();
    await turn();
  };
  await publish(new TidegateError('TG_STOPPING', 'stopping'));
  assert.deepEqual(warnings(), []);
  for (let count = 0; count < 3; count += 1) await publish(new TidegateError('TG_RECORD_TOO_LARGE', 'too large for t'));
  assert.deepEqual(warnings(), ['a message failed for good: too large for t']);
  assert.deepEqual(lines[0]?.facts, { code: 'TG_RECORD_TOO_LARGE', client_id: 'c-7' });
});

test('a stop passes on collected messages, and refuses those for missing topics', async () => {
  const { service, published } = setUp({ topics: { publish: { limit: 100, interval: 200 } } });
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

test('a subscription without group and start gets those of the endpoint', async () => {
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
  first.handle.goLive();
  assert.deepEqual(await answer(number), { type: 'subscribed', topics: ['t'] });
  assert.equal(first.consumer.room, 100);
  first.consumer.take(delivery(0, 0, 100));
  assert.deepEqual(client.written[0], 'answer 1');
  assert.equal(client.records.length, 100);
});

test('a subscription starts paused if the endpoint says so', async () => {
  const { joined, ask, subscribe } = setUp({ topics: { paused: true } });
  await subscribe();
  assert.equal(joined[0]?.consumer.room, 0);
  assert.deepEqual(await ask({ type: 'resume' }), DONE);
  assert.equal(joined[0]?.consumer.room, 100);
});

test('a missing topic is an error, which leaves the earlier subscription unchanged', async () => {
  const { joined, ask, subscribe } = setUp();
  await subscribe();
  assert.equal(await subscribe({ topics: ['t', 'nowhere'] }), 'TG_TOPIC_MISSING');
  assert.equal(await subscribe({ topics: ['t', 'u', 'v', 'w'] }), 'TG_LIMIT_REACHED');
  assert.deepEqual([joined.length, joined[0]?.handle.hasLeft], [1, false]);
  assert.deepEqual(await ask({ type: 'health' }), { type: 'health', consumers: [{ ws: 1, topics: ['t'] }] });
});

test('a subscription may wait for a topic: one look a second, and the earlier one continues', async () => {
  const { clock, topics, joined, send, answer, subscription, subscribe } = setUp();
  await subscribe();
  const number = send(subscription({ topics: ['later'], wait: true }));
  for (let second = 0; second < 3; second += 1) {
    assert.equal(await answer(number), undefined);
    clock.advance(1_000);
  }
  assert.deepEqual([joined.length, joined[0]?.handle.hasLeft], [1, false]);
  topics.set('later', 1);
  await turn();
  clock.advance(1_000);
  await turn();
  assert.deepEqual([joined.length, joined[0]?.handle.hasLeft], [2, true]);
  joined[1]?.handle.goLive();
  assert.deepEqual(await answer(number), { type: 'subscribed', topics: ['later'] });
});

test('the wait for a topic ends when the client leaves or subscribes to another topic', async () => {
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

test('a second subscription replaces the first, which leaves before', async () => {
  const { joined, ask, subscribe } = setUp();
  await subscribe();
  assert.deepEqual(await subscribe({ topics: ['u'] }), { type: 'subscribed', topics: ['u'] });
  assert.deepEqual(
    joined.map(({ handle }) => handle.hasLeft),
    [true, false],
  );
  assert.deepEqual(await ask({ type: 'health' }), { type: 'health', consumers: [{ ws: 1, topics: ['u'] }] });
});

test('a subscription replaced while it joins its group gets an error; the newer one does not', async () => {
  const { joined, send, answer, subscription } = setUp();
  const first = send(subscription());
  await turn();
  const second = send(subscription({ topics: ['u'] }));
  await turn();
  for (const { handle } of joined) handle.goLive();
  assert.equal(await answer(first), 'TG_NOT_SUBSCRIBED');
  assert.deepEqual(await answer(second), { type: 'subscribed', topics: ['u'] });
  assert.equal(joined[0]?.handle.hasLeft, true);
});

test('a subscription whose group is refused after another one has replaced it leaves that one alone', async () => {
  const { joined, send, answer, ask, subscription } = setUp();
  const first = send(subscription());
  await turn();
  const second = send(subscription({ topics: ['u'] }));
  await turn();
  joined[1]?.handle.goLive();
  assert.deepEqual(await answer(second), { type: 'subscribed', topics: ['u'] });
  joined[0]?.handle.refuse(new TidegateError('TG_NOT_AUTHORIZED', 'no'));
  assert.equal(await answer(first), 'TG_NOT_AUTHORIZED');
  assert.equal(joined[1]?.handle.hasLeft, false);
  assert.deepEqual(await ask({ type: 'pause' }), DONE);
});

test('a later request that fails does not take back a subscription whose group is still being joined', async () => {
  const { joined, send, answer, ask, subscription } = setUp();
  const first = send(subscription());
  await turn();
  assert.equal(await ask(subscription({ topics: ['nowhere'] })), 'TG_TOPIC_MISSING');
  joined[0]?.handle.goLive();
  assert.deepEqual(await answer(first), { type: 'subscribed', topics: ['t'] });
  assert.equal(joined[0]?.consumer.room, 100);
});

test('a group that the log refuses ends the subscription, with its reason', async () => {
  const { joined, ask, send, answer, subscription } = setUp();
  const number = send(subscription());
  await turn();
  joined[0]?.handle.refuse(new TidegateError('TG_NOT_AUTHORIZED', 'no'));
  assert.equal(await answer(number), 'TG_NOT_AUTHORIZED');
  assert.equal(joined[0]?.handle.hasLeft, true);
  assert.equal(await ask({ type: 'pause' }), 'TG_NOT_SUBSCRIBED');
});

test('joining a group fails after 15 seconds', async () => {
  const { client, clock, joined, send, answer, subscription } = setUp();
  const number = send(subscription());
  await turn();
  clock.advance(14_999);
  assert.equal(await answer(number), undefined);
  clock.advance(1);
  assert.equal(await answer(number), 'TG_GROUP_FAILED');
  const outcome = client.outcomes.get(number);
  assert.equal(outcome?.ok === false && outcome.rejection.retryable, true);
  assert.equal(joined[0]?.handle.hasLeft, true);
});

test('requests that need a subscription are refused without one', async () => {
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
  assert.deepEqual(joined[0]?.handle.confirmed, ['0/2 by 1']);
  assert.deepEqual([joined[0]?.handle.sought, joined[0]?.handle.hasLeft], [['0/5'], true]);
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
  assert.deepEqual([mine?.handle.confirmed, theirs?.handle.confirmed], [[], ['0/2 by 1']]);
  service.ponged(client, client.pings[0] ?? 0);
  assert.deepEqual(mine?.handle.confirmed, ['0/1 by 1']);
  client.isFree = false;
  assert.equal(mine?.consumer.room, 0);
  client.isFree = true;
  const readied = mine?.handle.readied ?? 0;
  service.drained(other);
  assert.equal(mine?.handle.readied, readied);
  service.drained(client);
  assert.equal(mine?.handle.readied, readied + 1);
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

test('an error about missing topics has at most 200 characters', async () => {
  const { client, send, subscription } = setUp({ topics: { max_topics: 100 } });
  const number = send(subscription({ topics: Array.from({ length: 50 }, (_, n) => `${n}`.padEnd(249, 'x')) }));
  await turn();
  const outcome = client.outcomes.get(number);
  assert.ok(outcome?.ok === false && outcome.rejection.code === 'TG_TOPIC_MISSING');
  assert.ok(outcome.rejection.message.length < 300, outcome.rejection.message);
});

test('a client that disconnects leaves its group; its later requests are ignored', async () => {
  const { service, client, joined, ask, subscribe } = setUp();
  await subscribe();
  service.leave(client);
  assert.equal(joined[0]?.handle.hasLeft, true);
  assert.equal(await ask({ type: 'list' }), undefined);
});

test('an unavailable log is reported in the answer', async () => {
  const { log, ask, subscription } = setUp();
  const away = async () => {
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  };
  Object.assign(log.admin, { topics: away, create: away });
  assert.equal(await ask({ type: 'list' }), 'TG_LOG_UNAVAILABLE');
  assert.equal(await ask(create('a')), 'TG_LOG_UNAVAILABLE');
  assert.equal(await ask(subscription()), 'TG_LOG_UNAVAILABLE');
});

test('a subscription joins its group with the settings of its endpoint', async () => {
  const { joined, subscribe } = setUp({
    topics: { from: 'earliest', group: 'mine', session_timeout: 7_000, commit_interval: 3_000 },
  });
  await subscribe();
  const [{ group, from, timing }] = joined as [(typeof joined)[0]];
  assert.deepEqual([group, from, timing], ['mine', 'earliest', { sessionTimeout: 7_000, commitInterval: 3_000 }]);
});
