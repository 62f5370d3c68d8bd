import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subscriber } from '../../../../src/actors/topic-service/subscriber.ts';
import type { TidegateError } from '../../../../src/core/errors.ts';
import type { SubscriptionRequest } from '../../../../src/core/topic-request.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { turn } from '../rig.ts';
import { delivery, FakeClient, FakeSeat, placeOf } from './fakes.ts';

interface Changes extends Partial<SubscriptionRequest> {
  readonly limit?: number;
  readonly interval?: number;
  readonly isPaused?: boolean;
  readonly client?: FakeClient;
}

/** A client that has been told of its subscription and holds three partitions. */
function setUp({ limit = 100, interval = 50, isPaused = false, client = new FakeClient(), ...request }: Changes = {}) {
  const clock = new HandClock();
  const seat = new FakeSeat([0, 1, 2]);
  const subscription = { topics: ['t'], commit: 'auto', wait: false, ...request } as const;
  const subscriber = new Subscriber(client, subscription, { limit, interval }, isPaused, clock);
  subscriber.sit(seat);
  subscriber.begin();
  const next = () => clock.advance(interval);
  return { clock, seat, client, subscriber, next };
}

const refused = (code: string) => (error: TidegateError) => {
  assert.equal(error.code, code);
  return true;
};

test('records of a turn go out in one frame, in their order, with one ping behind them', async () => {
  const { client, subscriber } = setUp({ interval: 0 });
  subscriber.take(delivery(0, 0, 2));
  subscriber.take(delivery(1, 7));
  subscriber.take(delivery(0, 2));
  assert.deepEqual(client.written, []);
  await turn();
  const [ping] = client.pings;
  assert.deepEqual(client.written, [['0/0', '0/1', '1/7', '0/2'], ping]);
});

test('with an interval they wait for it; at the limit they go at once, and the interval begins anew', () => {
  const { clock, client, subscriber } = setUp({ limit: 3, interval: 50 });
  subscriber.take(delivery(0, 0));
  clock.advance(49);
  assert.deepEqual(client.frames, []);
  clock.advance(1);
  assert.deepEqual(client.frames, [['0/0']]);
  subscriber.take(delivery(0, 1, 2));
  clock.advance(30);
  subscriber.take(delivery(0, 3));
  assert.deepEqual(client.frames.slice(1), [['0/1', '0/2', '0/3']]);
  subscriber.take(delivery(0, 4));
  clock.advance(49);
  assert.equal(client.frames.length, 2);
  clock.advance(1);
  assert.deepEqual(client.frames.slice(2), [['0/4']]);
  assert.equal(clock.pending, 0);
});

test('a frame holds 256 KiB of payload at most, and one record where that is larger; one ping stands behind all of them', () => {
  const { client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0, 5, { bytes: 100_000 }));
  subscriber.take(delivery(1, 0, 1, { bytes: 600_000 }));
  subscriber.take(delivery(2, 0, 3, { bytes: 131_072 }));
  next();
  const [ping] = client.pings;
  assert.deepEqual(client.written, [['0/0', '0/1'], ['0/2', '0/3'], ['0/4'], ['1/0'], ['2/0', '2/1'], ['2/2'], ping]);
});

test('nothing comes before its client has been told that it is subscribed', () => {
  const client = new FakeClient();
  const seat = new FakeSeat([0]);
  const request = { topics: ['t'], commit: 'auto', wait: false } as const;
  const subscriber = new Subscriber(client, request, { limit: 100, interval: 0 }, false, new HandClock());
  subscriber.sit(seat);
  assert.equal(subscriber.room, 0);
  subscriber.begin();
  assert.deepEqual([subscriber.room, seat.readied], [100, 1]);
});

test('there is room for the limit less what has not gone out yet', () => {
  const { subscriber, next } = setUp({ limit: 10 });
  assert.equal(subscriber.room, 10);
  subscriber.take(delivery(0, 0, 4));
  assert.equal(subscriber.room, 6);
  next();
  assert.equal(subscriber.room, 10);
});

test('credit is used up by records and not by time; a grant that ends the want of it tells the group, any other does not', () => {
  const { seat, subscriber, next } = setUp({ credit: 5 });
  subscriber.take(delivery(0, 0, 3));
  assert.equal(subscriber.room, 2);
  subscriber.take(delivery(1, 0, 2));
  next();
  const { readied } = seat;
  assert.equal(subscriber.room, 0);
  subscriber.grant(4);
  assert.deepEqual([subscriber.room, seat.readied], [4, readied + 1]);
  subscriber.grant(4);
  assert.deepEqual([subscriber.room, seat.readied], [8, readied + 1]);
});

test('a subscription with a credit of 0 waits for its first grant', () => {
  const { seat, subscriber } = setUp({ credit: 0 });
  assert.deepEqual([subscriber.room, seat.readied], [0, 0]);
  subscriber.grant(1);
  assert.deepEqual([subscriber.room, seat.readied], [1, 1]);
});

test('the first grant of a client that named no credit ends its being served without one', () => {
  const { subscriber } = setUp();
  subscriber.take(delivery(0, 0, 50));
  subscriber.grant(2);
  assert.equal(subscriber.room, 2);
});

test('a socket that does not keep up is given nothing until what was written has left', () => {
  const { seat, client, subscriber } = setUp();
  client.isFree = false;
  subscriber.wake();
  assert.deepEqual([subscriber.room, seat.readied], [0, 0]);
  client.isFree = true;
  subscriber.wake();
  assert.deepEqual([subscriber.room, seat.readied], [100, 1]);
  subscriber.wake();
  assert.equal(seat.readied, 1, 'a group that was never told "no room" need not hear that there is some');
});

test('a pause sends what it was given before it is answered, and takes nothing until the end of it', () => {
  const { clock, seat, client, subscriber } = setUp();
  subscriber.take(delivery(0, 0, 2));
  subscriber.pause();
  assert.deepEqual([client.frames, subscriber.room], [[['0/0', '0/1']], 0]);
  clock.advance(1_000);
  const { readied } = seat;
  assert.equal(client.frames.length, 1);
  subscriber.grant(10);
  assert.deepEqual([subscriber.room, seat.readied], [0, readied]);
  subscriber.resume();
  assert.deepEqual([subscriber.room, seat.readied], [10, readied + 1]);
});

test('a subscription may begin paused', () => {
  const { seat, subscriber } = setUp({ isPaused: true });
  assert.deepEqual([subscriber.room, seat.readied], [0, 0]);
  subscriber.resume();
  assert.deepEqual([subscriber.room, seat.readied], [100, 1]);
});

test('records are confirmed when the ping behind them comes back, by the last of each partition', () => {
  const { seat, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0, 3, { deal: 4 }));
  subscriber.take(delivery(1, 7, 1, { deal: 5 }));
  next();
  assert.deepEqual(seat.confirmed, []);
  subscriber.ponged(client.pings[0] ?? 0);
  assert.deepEqual(seat.confirmed, ['0/3 by 4', '1/8 by 5']);
});

test('a pong stands for all pings before it; what comes behind it stays unconfirmed, and one that is late changes nothing', () => {
  const { seat, client, subscriber, next } = setUp();
  for (const offset of [0, 1, 2, 3]) {
    subscriber.take(delivery(0, offset));
    next();
  }
  const [first, second, third, fourth] = client.pings as [number, number, number, number];
  subscriber.ponged(third);
  assert.deepEqual(seat.confirmed, ['0/1 by 1', '0/2 by 1', '0/3 by 1']);
  for (const late of [first, second, third]) subscriber.ponged(late);
  assert.equal(seat.confirmed.length, 3);
  subscriber.ponged(fourth);
  assert.deepEqual(seat.confirmed.slice(3), ['0/4 by 1']);
});

test('a late pong of the subscription before confirms nothing of the one that replaced it', () => {
  const client = new FakeClient();
  const before = setUp({ client });
  for (const offset of [0, 1, 2]) {
    before.subscriber.take(delivery(0, offset));
    before.next();
  }
  before.subscriber.leave();
  const after = setUp({ client });
  after.subscriber.take(delivery(0, 0, 3, { deal: 2 }));
  after.next();
  for (const ping of client.pings.slice(0, 3)) after.subscriber.ponged(ping);
  assert.deepEqual(after.seat.confirmed, []);
  after.subscriber.ponged(client.pings[3] ?? 0);
  assert.deepEqual(after.seat.confirmed, ['0/3 by 2']);
});

test('a client that commits by itself gets no pings, and confirms all that came or what it names', () => {
  const { seat, client, subscriber, next } = setUp({ commit: 'manual' });
  subscriber.take(delivery(0, 0, 3, { deal: 4 }));
  subscriber.take(delivery(1, 7, 2, { deal: 5 }));
  subscriber.commit(undefined);
  assert.deepEqual(seat.confirmed, [], 'what has not gone out cannot be done');
  next();
  assert.deepEqual(client.pings, []);
  subscriber.commit([{ ...placeOf(1), offset: 8 }]);
  assert.deepEqual(seat.confirmed, ['1/8 by 5']);
  subscriber.commit(undefined);
  assert.deepEqual(seat.confirmed.slice(1), ['0/3 by 4', '1/9 by 5']);
});

test('a commit of what did not come, of what went to another, or without "manual" is refused', () => {
  const { seat, subscriber, next } = setUp({ commit: 'manual' });
  subscriber.take(delivery(0, 0));
  next();
  const commit = () => subscriber.commit([{ ...placeOf(0), offset: 1 }]);
  assert.throws(() => subscriber.commit([{ ...placeOf(1), offset: 1 }]), refused('TG_NOT_SUBSCRIBED'));
  subscriber.dealt([placeOf(0), placeOf(1)]);
  commit();
  assert.deepEqual(seat.confirmed, ['0/1 by 1']);
  subscriber.dealt([placeOf(1)]);
  assert.throws(commit, /moved to another member/);
  const auto = setUp();
  auto.subscriber.take(delivery(0, 0));
  auto.next();
  assert.throws(() => auto.subscriber.commit(undefined), /"commit": "manual"/);
  assert.deepEqual(auto.seat.confirmed, []);
});

test('a seek drops what has not gone out of those partitions, and there is room and credit for it again', () => {
  const free = setUp({ limit: 10 }).subscriber;
  free.take(delivery(0, 0, 6));
  free.seek([{ ...placeOf(0), offset: 90 }]);
  assert.equal(free.room, 10);
  const { seat, client, subscriber, next } = setUp({ credit: 10 });
  subscriber.take(delivery(0, 0, 3));
  subscriber.take(delivery(1, 0, 2));
  subscriber.take(delivery(0, 3, 1));
  assert.equal(subscriber.room, 4);
  subscriber.seek([{ ...placeOf(0), offset: 90 }]);
  assert.deepEqual([seat.sought, subscriber.room], [['0/90'], 8]);
  next();
  assert.deepEqual(client.records, ['1/0', '1/1']);
});

test('what has not gone out of a partition that went to another stays away, and its credit comes back', () => {
  const { client, subscriber, next } = setUp({ credit: 10 });
  subscriber.take(delivery(0, 0, 3));
  subscriber.take(delivery(1, 0, 2));
  subscriber.dealt([placeOf(1), placeOf(2)]);
  assert.equal(subscriber.room, 8);
  next();
  assert.deepEqual(client.records, ['1/0', '1/1']);
});

test('a seek in a partition that the client does not hold moves none', () => {
  const { seat, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0));
  const positions = [
    { ...placeOf(0), offset: 5 },
    { ...placeOf(3), offset: 5 },
  ];
  assert.throws(() => subscriber.seek(positions), refused('TG_NOT_SUBSCRIBED'));
  assert.deepEqual(seat.sought, []);
  next();
  assert.deepEqual(client.records, ['0/0']);
});

test('who leaves gets nothing more, and neither a pong nor a commit of theirs has any effect', () => {
  const { clock, seat, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0));
  next();
  subscriber.take(delivery(0, 1));
  subscriber.leave();
  assert.deepEqual([seat.hasLeft, clock.pending], [true, 0]);
  clock.advance(1_000);
  assert.deepEqual(client.records, ['0/0']);
  subscriber.ponged(client.pings[0] ?? 0);
  subscriber.grant(10);
  subscriber.resume();
  subscriber.leave();
  assert.deepEqual([seat.confirmed, seat.readied], [[], 0]);
});

test('credit that comes back with a partition that moves on before its records were written goes to the other partitions', () => {
  const { seat, client, subscriber, next } = setUp({ credit: 2, interval: 50 });
  subscriber.take(delivery(0, 0, 2));
  // The group has records of another partition, and hears that there is no room.
  assert.equal(subscriber.room, 0);
  subscriber.dealt([placeOf(1)]);
  next();
  assert.deepEqual(client.frames, []);
  assert.equal(subscriber.room, 2);
  assert.equal(seat.readied, 1);
});

test('credit that comes back with a seek goes to the other partitions, too', () => {
  const { seat, subscriber } = setUp({ credit: 2, interval: 50 });
  subscriber.take(delivery(0, 0, 2));
  assert.equal(subscriber.room, 0);
  subscriber.seek([{ topic: 't', partition: 0, offset: 2 }]);
  assert.equal(seat.readied, 1);
});
