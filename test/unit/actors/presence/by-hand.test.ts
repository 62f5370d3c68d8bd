import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { Presence } from '../../../../src/actors/presence/presence.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { FakeLog } from '../fake-log.ts';
import { keptLogger, turn } from '../rig.ts';
import { HandGateway, HandLog, LEASE, TOPICS } from './hand-room.ts';

/* What takes leases, deaths and days, or one thing before another, on a log and clocks that are moved by hand. */

const DAY = 86_400_000;
const RAW = { part: 0, keepsTombstones: true };

function setUp(count: number) {
  const log = new HandLog();
  const all = Array.from({ length: count }, () => new HandGateway(log, RAW));
  const tick = (milliseconds: number) => {
    log.time += milliseconds;
    for (const gateway of all) if (!gateway.isGone) gateway.tick(milliseconds);
  };
  /** Time in which these gateways write and read, and the others' clocks move on. */
  const pass = async (milliseconds: number, busy: readonly HandGateway[] = all) => {
    for (let passed = 0; passed < milliseconds; passed += 10) {
      for (const gateway of busy) {
        if (gateway.isGone) continue;
        gateway.store(100);
        gateway.ack();
        gateway.deliver(100);
      }
      await new Promise((resolve) => setImmediate(resolve));
      tick(10);
    }
  };
  const keys = (kind: string) => log.of(TOPICS.presence).filter(({ key }) => key?.startsWith(`chat/${kind}/`));
  return { log, all, tick, pass, keys };
}

test('a log that stands still for many leases gets one lease from each gateway, and nobody is declared dead', async () => {
  const { log, all, tick, pass, keys } = setUp(3);
  await pass(LEASE);
  for (const gateway of all) gateway.join(`of ${all.indexOf(gateway)}`, `name ${all.indexOf(gateway)}`, []);
  await pass(LEASE * 3);
  // It takes nothing, answers nothing and gives nothing.
  for (let step = 0; step < 100; step += 1) tick(LEASE / 2);
  for (const gateway of all) assert.ok(gateway.pending(TOPICS.presence) <= 1);
  const before = log.end(TOPICS.presence);
  // One comes back nearly a lease before the others.
  await pass(LEASE * 0.85, all.slice(0, 1));
  await pass(LEASE * 5);
  assert.ok(log.end(TOPICS.presence) > before);
  assert.deepEqual(keys('dead'), []);
  for (const { timesFenced, presence } of all) {
    assert.deepEqual([timesFenced, presence.names], [0, ['name 0', 'name 1', 'name 2']]);
  }
});

test('a gateway that reads slowly declares nobody dead', async () => {
  const { log, all, pass, tick, keys } = setUp(2);
  const [slow] = all as [HandGateway];
  await pass(LEASE);
  slow.isFrozen = true;
  for (let passed = 0; passed < LEASE * 20; passed += LEASE / 10) {
    for (const gateway of all) {
      gateway.store(100);
      gateway.ack();
      gateway.deliver(100);
    }
    // The slow one reads one record now and then, and falls behind.
    slow.isFrozen = false;
    slow.deliver(1);
    slow.isFrozen = true;
    tick(LEASE / 10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const declared = keys('dead').map(({ payload }) => JSON.parse(payload.toString()).by as string);
  const ofSlow = new Set(log.of(TOPICS.presence).map(({ key }) => key?.split('/')[2])).values().next().value;
  assert.ok(declared.every((by) => by !== ofSlow));
});

test('deaths are swept away after a week by whoever starts then, with what the dead had left', async () => {
  const { log, all, pass, tick, keys } = setUp(2);
  const [mortal] = all as [HandGateway];
  await pass(LEASE);
  mortal.join('ann', 'ann', []);
  await pass(LEASE / 2);
  mortal.kill(0);
  await pass(LEASE * 2);
  const [death] = keys('dead');
  assert.ok(death !== undefined);
  const open = () => {
    const last = new Map(log.of(TOPICS.presence).map(({ key, isTombstone }) => [key, isTombstone]));
    return [...last].flatMap(([key, isTombstone]) => (isTombstone || key?.includes('/lease/') ? [] : [key]));
  };
  assert.deepEqual(open(), [death.key]);
  tick(6 * DAY);
  all.push(new HandGateway(log, RAW));
  await pass(LEASE * 2);
  assert.deepEqual(open(), [death.key]);
  tick(2 * DAY);
  all.push(new HandGateway(log, RAW));
  await pass(LEASE * 2);
  assert.deepEqual(open(), []);
});

test('what others write to a member before its own gateway has read of it waits until it is in', async () => {
  const { all, pass } = setUp(2);
  const [a, b] = all as [HandGateway, HandGateway];
  await pass(LEASE);
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

test('a gateway shows itself only when it would hear what is written to its members', async () => {
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
    observer: { changed: () => assert.fail(), ordered: () => assert.fail(), fenced: () => assert.fail() },
  });
  presence.start();
  const readers = new Map(log.readers.map((reader) => [reader.options.topics[0], reader]));
  readers.get(TOPICS.presence)?.goLive();
  await turn();
  clock.advance(1_000);
  await turn();
  assert.match(presence.trouble ?? '', /is being read/);
  assert.equal(written, 0);
  readers.get(TOPICS.control)?.goLive();
  await turn();
  assert.match(presence.trouble ?? '', /lease/);
  assert.equal(written, 1);
  await presence.close();
  assert.deepEqual(
    [...readers.values()].map(({ orders }) => orders),
    [['close'], ['close']],
  );
});
