import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import type { Headers } from '../../../src/core/headers.ts';
import { Message } from '../../../src/core/message.ts';
import { Presence } from '../../../src/rooms/presence.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { HandGateway, handLog, LEASE, TOPICS } from './hand-room.ts';

/* What takes leases, deaths and days, or one thing before another, on a log and clocks that are moved by hand. */

const DAY = 86_400_000;
const RAW = { part: 0, keepsTombstones: true };

/** Gateways on one log; time passes for all of them together. */
class RoomByHand {
  readonly log = handLog();
  readonly all: HandGateway[];

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => this.open());
  }

  /** One more. */
  start(): void {
    this.all.push(this.open());
  }

  tick(milliseconds: number): void {
    this.log.time += milliseconds;
    for (const gateway of this.all) if (!gateway.isGone) gateway.tick(milliseconds);
  }

  /** Time in which these gateways write and read, while the clocks of the others go on. */
  async pass(milliseconds: number, busy: readonly HandGateway[] = this.all): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 10) {
      for (const gateway of busy) {
        if (gateway.isGone) continue;
        gateway.store(100);
        gateway.ack();
        gateway.deliver(100);
      }
      await new Promise((resolve) => setImmediate(resolve));
      this.tick(10);
    }
  }

  /** Records of the presence topic. */
  records(kind: 'member' | 'lease' | 'dead') {
    return this.log.of(TOPICS.presence).filter(({ key }) => key?.startsWith(`chat/${kind}/`));
  }

  private open(): HandGateway {
    return new HandGateway(this.log, RAW);
  }
}

test('a log without progress gets one lease from each gateway, and no gateway is declared dead', async () => {
  const room = new RoomByHand(3);
  await room.pass(LEASE);
  for (const gateway of room.all)
    gateway.join(`of ${room.all.indexOf(gateway)}`, `name ${room.all.indexOf(gateway)}`, []);
  await room.pass(LEASE * 3);
  // It takes nothing, answers nothing and gives nothing.
  for (let step = 0; step < 100; step += 1) room.tick(LEASE / 2);
  for (const gateway of room.all) assert.ok(gateway.pending(TOPICS.presence) <= 1);
  const before = room.log.end(TOPICS.presence);
  // One comes back nearly a lease before the others.
  await room.pass(LEASE * 0.85, room.all.slice(0, 1));
  await room.pass(LEASE * 5);
  assert.ok(room.log.end(TOPICS.presence) > before);
  assert.deepEqual(room.records('dead'), []);
  for (const { timesFenced, presence } of room.all) {
    assert.deepEqual([timesFenced, presence.names], [0, ['name 0', 'name 1', 'name 2']]);
  }
});

test('a gateway that reads slowly declares no other dead', async () => {
  const room = new RoomByHand(2);
  const [slow] = room.all as [HandGateway];
  await room.pass(LEASE);
  slow.isFrozen = true;
  for (let passed = 0; passed < LEASE * 20; passed += LEASE / 10) {
    for (const gateway of room.all) {
      gateway.store(100);
      gateway.ack();
      gateway.deliver(100);
    }
    // The slow one reads one record now and then, and falls behind.
    slow.isFrozen = false;
    slow.deliver(1);
    slow.isFrozen = true;
    room.tick(LEASE / 10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const declared = room.records('dead').map(({ payload }) => JSON.parse(payload.toString()).by as string);
  const ofSlow = new Set(room.log.of(TOPICS.presence).map(({ key }) => key?.split('/')[2])).values().next().value;
  assert.ok(declared.every((by) => by !== ofSlow));
});

test('a gateway that starts after a week removes old deaths and the records of the dead', async () => {
  const room = new RoomByHand(2);
  const [mortal] = room.all as [HandGateway];
  await room.pass(LEASE);
  mortal.join('ann', 'ann', []);
  await room.pass(LEASE / 2);
  mortal.kill(0);
  await room.pass(LEASE * 2);
  const [death] = room.records('dead');
  assert.ok(death !== undefined);
  const open = () => {
    const last = new Map(room.log.of(TOPICS.presence).map(({ key, isTombstone }) => [key, isTombstone]));
    return [...last].flatMap(([key, isTombstone]) => (isTombstone || key?.includes('/lease/') ? [] : [key]));
  };
  assert.deepEqual(open(), [death.key]);
  room.tick(6 * DAY);
  room.start();
  await room.pass(LEASE * 2);
  assert.deepEqual(open(), [death.key]);
  room.tick(2 * DAY);
  room.start();
  await room.pass(LEASE * 2);
  assert.deepEqual(open(), []);
});

test('a command for a member that its own gateway has not read back yet waits for it', async () => {
  const room = new RoomByHand(2);
  const [a, b] = room.all as [HandGateway, HandGateway];
  await room.pass(LEASE);
  const ann = a.join('ann', 'ann', []);
  a.store(1);
  b.deliver(10);
  assert.equal(b.presence.direct('bob', 'ann', 'hello'), 'sent');
  b.store(10);
  a.deliver(10, TOPICS.control);
  await turn();
  assert.deepEqual([ann.state, ann.heard], ['asking', []]);
  a.deliver(10, TOPICS.presence);
  await turn();
  assert.deepEqual([ann.state, ann.heard, a.faults], ['in', ['hello'], []]);
});

test('a gateway writes its lease only when it reads the control topic', async () => {
  const log = new FakeLog();
  const clock = new HandClock();
  let written = 0;
  const presence = new Presence({
    endpoint: 'chat',
    room: 'room',
    log,
    write: () => ({
      idle: true,
      idle$: NEVER,
      write: () => {
        written += 1;
      },
    }),
    lease: LEASE,
    isAlone: false,
    clock,
    logger: keptLogger().logger,
    stats: createStats(),
    observer: { changed: () => assert.fail(), commanded: () => assert.fail(), fenced: () => assert.fail() },
  });
  presence.start();
  const readers = new Map(log.readers.map((reader) => [reader.options.topics[0], reader]));
  readers.get(TOPICS.presence)?.goLive();
  await turn();
  clock.advance(1_000);
  await turn();
  assert.match(presence.notReadyReason ?? '', /are being read/);
  assert.equal(written, 0);
  readers.get(TOPICS.control)?.goLive();
  await turn();
  assert.match(presence.notReadyReason ?? '', /lease/);
  assert.equal(written, 1);
  await presence.close();
  assert.deepEqual(
    [...readers.values()].map(({ orders }) => orders),
    [['close'], ['close']],
  );
});

test('a death says when the last lease ended by the clock of the dead gateway', async () => {
  const room = new RoomByHand(2);
  const [mortal] = room.all as [HandGateway];
  await room.pass(LEASE);
  mortal.kill(0);
  await room.pass(LEASE * 2);
  const [death] = room.records('dead');
  const of = death?.key?.split('/')[2];
  const last = room.records('lease').findLast(({ key, isTombstone }) => key?.endsWith(`/${of}`) && !isTombstone);
  const { until } = JSON.parse(death?.payload.toString() ?? '{}') as { until?: number };
  assert.ok(last);
  assert.equal(until, last.timestamp + LEASE);
});

test('commands wait in their order while the lease is not held, and are lost if it does not return', async () => {
  const room = new RoomByHand(2);
  const [a, b] = room.all as [HandGateway, HandGateway];
  await room.pass(LEASE);
  const [ann, bob] = [a.join('ann', 'ann', []), b.join('bob', 'bob', [])];
  await room.pass(LEASE / 2);
  const ends: string[] = [];
  const direct = (to: string, text: string) =>
    a.presence.direct('ann', to, text, (isDone) => void ends.push(`${text}: ${isDone}`));
  assert.equal(a.presence.lease.isHeld, true);
  room.tick(LEASE * 0.7);
  assert.equal(a.presence.lease.isHeld, false);
  for (const text of ['1', '2']) assert.equal(direct('bob', text), 'sent');
  direct('ann', 'to myself');
  await turn();
  assert.deepEqual([a.pending(TOPICS.control), ann.heard, ends], [0, [], []]);
  await room.pass(LEASE);
  assert.deepEqual([bob.heard, ann.heard], [['1', '2'], ['to myself']]);
  assert.deepEqual(ends.sort(), ['1: true', '2: true']);
  room.tick(LEASE * 0.7);
  direct('bob', '3');
  a.presence.abandon();
  assert.deepEqual(ends.slice(2), ['3: false']);
  await room.pass(LEASE);
  assert.deepEqual(bob.heard, ['1', '2']);
});

test('commands of a dead incarnation are dropped, those without an incarnation are not', async () => {
  const room = new RoomByHand(3);
  const [mortal, b, c] = room.all as [HandGateway, HandGateway, HandGateway];
  await room.pass(LEASE);
  const bob = b.join('bob', 'bob', []);
  await room.pass(LEASE / 2);
  c.presence.direct('eve', 'bob', 'of a living one');
  await room.pass(LEASE / 2);
  assert.deepEqual(bob.heard, ['of a living one']);
  const toBob = room.log.of(TOPICS.control)[0]?.key ?? '';
  mortal.kill(0);
  await room.pass(LEASE * 2);
  const dead = room.records('dead')[0]?.key?.split('/')[2] ?? '';
  const write = (to: string, value: object, headers: Headers) =>
    room.log.append(TOPICS.control, new Message(Buffer.from(JSON.stringify(value)), { key: to, headers }));
  const direct = (content: string) => ({ type: 'direct', seq: 1, to: 'bob', from: 'old', content });
  write(toBob, direct('late'), [['tidegate-incarnation', dead]]);
  write(toBob, direct('late, too'), [['tidegate-incarnation', Buffer.from(dead)]]);
  write('chat/*', { type: 'kick-all', by: 'old' }, [['tidegate-incarnation', dead]]);
  write(toBob, direct('of an earlier version'), []);
  await room.pass(LEASE / 2);
  assert.deepEqual([bob.heard, bob.state], [['of a living one', 'of an earlier version'], 'in']);
});
