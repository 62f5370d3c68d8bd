import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryTime } from '../../../src/actors/delivery-time.ts';
import type { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import type { SubscriptionRequest } from '../../../src/core/topic-request.ts';
import { Subscriber } from '../../../src/topics/subscriber.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { delivery, FakeClient, FakeHandle, placeOf } from './fakes.ts';

interface Changes extends Partial<SubscriptionRequest> {
  readonly limit?: number;
  readonly interval?: number;
  readonly isPaused?: boolean;
  readonly client?: FakeClient;
}

/** A client that has been told of its subscription and holds three partitions. */
function setUp({ limit = 100, interval = 50, isPaused = false, client = new FakeClient(), ...request }: Changes = {}) {
  const clock = new HandClock();
  const handle = new FakeHandle([0, 1, 2]);
  const subscription = { topics: ['t'], group: 'g', commit: 'auto', wait: false, ...request } as const;
  const seconds: number[] = [];
  const delivered = new DeliveryTime({ record: (value) => void seconds.push(value) }, clock);
  const subscriber = new Subscriber(client, subscription, { limit, interval }, isPaused, clock, delivered);
  subscriber.join(handle);
  subscriber.begin();
  const next = () => clock.advance(interval);
  return { clock, handle, client, subscriber, next, seconds };
}

const refused = (code: string) => (error: TidegateError) => {
  assert.equal(error.code, code);
  return true;
};

test('records of a turn are sent in one frame, in order, with one ping behind them', async () => {
  const { client, subscriber } = setUp({ interval: 0 });
  subscriber.take(delivery(0, 0, 2));
  subscriber.take(delivery(1, 7));
  subscriber.take(delivery(0, 2));
  assert.deepEqual(client.written, []);
  await turn();
  const [ping] = client.pings;
  assert.deepEqual(client.written, [['0/0', '0/1', '1/7', '0/2'], ping]);
});

test('with an interval records wait for it; at the limit they are sent at once, and it starts again', () => {
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

test('a frame has at most 256 KiB of payload, or one larger record; one ping is behind all frames', () => {
  const { client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0, 5, { bytes: 100_000 }));
  subscriber.take(delivery(1, 0, 1, { bytes: 600_000 }));
  subscriber.take(delivery(2, 0, 3, { bytes: 131_072 }));
  next();
  const [ping] = client.pings;
  assert.deepEqual(client.written, [['0/0', '0/1'], ['0/2', '0/3'], ['0/4'], ['1/0'], ['2/0', '2/1'], ['2/2'], ping]);
});

test('no record comes before the answer to the subscription', () => {
  const client = new FakeClient();
  const handle = new FakeHandle([0]);
  const request = { topics: ['t'], group: 'g', commit: 'auto', wait: false } as const;
  const clock = new HandClock();
  const delivered = new DeliveryTime({ record() {} }, clock);
  const subscriber = new Subscriber(client, request, { limit: 100, interval: 0 }, false, clock, delivered);
  subscriber.join(handle);
  assert.equal(subscriber.room, 0);
  subscriber.begin();
  assert.deepEqual([subscriber.room, handle.readied], [100, 1]);
});

test('the room is the limit minus the records that are not sent yet', () => {
  const { subscriber, next } = setUp({ limit: 10 });
  assert.equal(subscriber.room, 10);
  subscriber.take(delivery(0, 0, 4));
  assert.equal(subscriber.room, 6);
  next();
  assert.equal(subscriber.room, 10);
});

test('records use up credit, and only a grant that ends the lack of credit asks the group for more', () => {
  const { handle, subscriber, next } = setUp({ credit: 5 });
  subscriber.take(delivery(0, 0, 3));
  assert.equal(subscriber.room, 2);
  subscriber.take(delivery(1, 0, 2));
  next();
  const { readied } = handle;
  assert.equal(subscriber.room, 0);
  subscriber.grant(4);
  assert.deepEqual([subscriber.room, handle.readied], [4, readied + 1]);
  subscriber.grant(4);
  assert.deepEqual([subscriber.room, handle.readied], [8, readied + 1]);
});

test('a subscription with a credit of 0 waits for its first grant', () => {
  const { handle, subscriber } = setUp({ credit: 0 });
  assert.deepEqual([subscriber.room, handle.readied], [0, 0]);
  subscriber.grant(1);
  assert.deepEqual([subscriber.room, handle.readied], [1, 1]);
});

test('the first grant of a client without credit ends its unlimited credit', () => {
  const { subscriber } = setUp();
  subscriber.take(delivery(0, 0, 50));
  subscriber.grant(2);
  assert.equal(subscriber.room, 2);
});

test('a slow socket gets nothing until it has taken what was written', () => {
  const { handle, client, subscriber } = setUp();
  client.isFree = false;
  subscriber.wake();
  assert.deepEqual([subscriber.room, handle.readied], [0, 0]);
  client.isFree = true;
  subscriber.wake();
  assert.deepEqual([subscriber.room, handle.readied], [100, 1]);
  subscriber.wake();
  assert.equal(handle.readied, 1, 'a group that was never told "no room" need not hear that there is some');
});

test('a pause sends the records taken before, and takes none until resume', () => {
  const { clock, handle, client, subscriber } = setUp();
  subscriber.take(delivery(0, 0, 2));
  subscriber.pause();
  assert.deepEqual([client.frames, subscriber.room], [[['0/0', '0/1']], 0]);
  clock.advance(1_000);
  const { readied } = handle;
  assert.equal(client.frames.length, 1);
  subscriber.grant(10);
  assert.deepEqual([subscriber.room, handle.readied], [0, readied]);
  subscriber.resume();
  assert.deepEqual([subscriber.room, handle.readied], [10, readied + 1]);
});

test('a subscription may begin paused', () => {
  const { handle, subscriber } = setUp({ isPaused: true });
  assert.deepEqual([subscriber.room, handle.readied], [0, 0]);
  subscriber.resume();
  assert.deepEqual([subscriber.room, handle.readied], [100, 1]);
});

test('records are confirmed when the ping behind them comes back, by the last of each partition', () => {
  const { handle, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0, 3, { epoch: 4 }));
  subscriber.take(delivery(1, 7, 1, { epoch: 5 }));
  next();
  assert.deepEqual(handle.confirmed, []);
  subscriber.ponged(client.pings[0] ?? 0);
  assert.deepEqual(handle.confirmed, ['0/3 by 4', '1/8 by 5']);
});

test('a pong answers all pings before it, leaves later records unconfirmed, and counts once', () => {
  const { handle, client, subscriber, next } = setUp();
  for (const offset of [0, 1, 2, 3]) {
    subscriber.take(delivery(0, offset));
    next();
  }
  const [first, second, third, fourth] = client.pings as [number, number, number, number];
  subscriber.ponged(third);
  assert.deepEqual(handle.confirmed, ['0/1 by 1', '0/2 by 1', '0/3 by 1']);
  for (const late of [first, second, third]) subscriber.ponged(late);
  assert.equal(handle.confirmed.length, 3);
  subscriber.ponged(fourth);
  assert.deepEqual(handle.confirmed.slice(3), ['0/4 by 1']);
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
  after.subscriber.take(delivery(0, 0, 3, { epoch: 2 }));
  after.next();
  for (const ping of client.pings.slice(0, 3)) after.subscriber.ponged(ping);
  assert.deepEqual(after.handle.confirmed, []);
  after.subscriber.ponged(client.pings[3] ?? 0);
  assert.deepEqual(after.handle.confirmed, ['0/3 by 2']);
});

test('with manual commits there are no pings, and a commit confirms all records or given positions', () => {
  const { handle, client, subscriber, next } = setUp({ commit: 'manual' });
  subscriber.take(delivery(0, 0, 3, { epoch: 4 }));
  subscriber.take(delivery(1, 7, 2, { epoch: 5 }));
  subscriber.commit(undefined);
  assert.deepEqual(handle.confirmed, [], 'what has not gone out cannot be done');
  next();
  assert.deepEqual(client.pings, []);
  subscriber.commit([{ ...placeOf(1), offset: 8 }]);
  assert.deepEqual(handle.confirmed, ['1/8 by 5']);
  subscriber.commit(undefined);
  assert.deepEqual(handle.confirmed.slice(1), ['0/3 by 4', '1/9 by 5']);
});

test('a commit of records that were not delivered, that moved, or without "manual" is refused', () => {
  const { handle, subscriber, next } = setUp({ commit: 'manual' });
  subscriber.take(delivery(0, 0));
  next();
  const commit = () => subscriber.commit([{ ...placeOf(0), offset: 1 }]);
  assert.throws(() => subscriber.commit([{ ...placeOf(1), offset: 1 }]), refused('TG_NOT_SUBSCRIBED'));
  subscriber.assigned([placeOf(0), placeOf(1)]);
  commit();
  assert.deepEqual(handle.confirmed, ['0/1 by 1']);
  subscriber.assigned([placeOf(1)]);
  assert.throws(commit, /moved to another member/);
  const auto = setUp();
  auto.subscriber.take(delivery(0, 0));
  auto.next();
  assert.throws(() => auto.subscriber.commit(undefined), /"commit": "manual"/);
  assert.deepEqual(auto.handle.confirmed, []);
});

test('a seek drops unsent records of its partitions, and gives their room and credit back', () => {
  const free = setUp({ limit: 10 }).subscriber;
  free.take(delivery(0, 0, 6));
  free.seek([{ ...placeOf(0), offset: 90 }]);
  assert.equal(free.room, 10);
  const { handle, client, subscriber, next } = setUp({ credit: 10 });
  subscriber.take(delivery(0, 0, 3));
  subscriber.take(delivery(1, 0, 2));
  subscriber.take(delivery(0, 3, 1));
  assert.equal(subscriber.room, 4);
  subscriber.seek([{ ...placeOf(0), offset: 90 }]);
  assert.deepEqual([handle.sought, subscriber.room], [['0/90'], 8]);
  next();
  assert.deepEqual(client.records, ['1/0', '1/1']);
});

test('unsent records of a partition that moved are dropped, and their credit comes back', () => {
  const { client, subscriber, next } = setUp({ credit: 10 });
  subscriber.take(delivery(0, 0, 3));
  subscriber.take(delivery(1, 0, 2));
  subscriber.assigned([placeOf(1), placeOf(2)]);
  assert.equal(subscriber.room, 8);
  next();
  assert.deepEqual(client.records, ['1/0', '1/1']);
});

test('a seek in a partition that the client does not hold moves none', () => {
  const { handle, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0));
  const positions = [
    { ...placeOf(0), offset: 5 },
    { ...placeOf(3), offset: 5 },
  ];
  assert.throws(() => subscriber.seek(positions), refused('TG_NOT_SUBSCRIBED'));
  assert.deepEqual(handle.sought, []);
  next();
  assert.deepEqual(client.records, ['0/0']);
});

test('a subscription that has left gets nothing, and its pongs and commits have no effect', () => {
  const { clock, handle, client, subscriber, next } = setUp();
  subscriber.take(delivery(0, 0));
  next();
  subscriber.take(delivery(0, 1));
  subscriber.leave();
  assert.deepEqual([handle.hasLeft, clock.pending], [true, 0]);
  clock.advance(1_000);
  assert.deepEqual(client.records, ['0/0']);
  subscriber.ponged(client.pings[0] ?? 0);
  subscriber.grant(10);
  subscriber.resume();
  subscriber.leave();
  assert.deepEqual([handle.confirmed, handle.readied], [[], 0]);
});

test('credit of a partition that moves before its records were written goes to other partitions', () => {
  const { handle, client, subscriber, next } = setUp({ credit: 2, interval: 50 });
  subscriber.take(delivery(0, 0, 2));
  // The group has records of another partition, and hears that there is no room.
  assert.equal(subscriber.room, 0);
  subscriber.assigned([placeOf(1)]);
  next();
  assert.deepEqual(client.frames, []);
  assert.equal(subscriber.room, 2);
  assert.equal(handle.readied, 1);
});

test('credit that comes back with a seek goes to the other partitions, too', () => {
  const { handle, subscriber } = setUp({ credit: 2, interval: 50 });
  subscriber.take(delivery(0, 0, 2));
  assert.equal(subscriber.room, 0);
  subscriber.seek([{ topic: 't', partition: 0, offset: 2 }]);
  assert.equal(handle.readied, 1);
});

test('delivery time counts from the oldest record of a frame, without the wait for the client', () => {
  const { clock, subscriber, next, seconds } = setUp({ isPaused: true, interval: 50 });
  const take = (...timestamps: number[]) => {
    const messages = timestamps.map(
      (timestamp, offset) => new Message(Buffer.from('x'), { topic: 't', partition: 0, offset, timestamp }),
    );
    subscriber.take({ partition: placeOf(0), epoch: 1, messages });
    next();
  };
  const before = clock.now();
  clock.advance(1_000);
  subscriber.resume();
  take(before);
  assert.deepEqual(seconds, []);
  take(clock.now(), clock.now() + 20);
  assert.deepEqual(seconds, [0.05]);
  subscriber.seek([{ ...placeOf(0), offset: 0 }]);
  take(clock.now() - 1);
  assert.deepEqual(seconds, [0.05]);
  // With credit left a grant changes nothing; without any the client has been waited for.
  const waiting = clock.now();
  subscriber.grant(1);
  clock.advance(10);
  subscriber.grant(1);
  take(waiting);
  assert.deepEqual(seconds, [0.05, 0.06]);
  take(waiting);
  clock.advance(10);
  subscriber.grant(1);
  take(waiting + 5);
  assert.equal(seconds.length, 3);
});
