import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventHub, type GatewayEventName } from '../../../src/assembly/events.ts';
import { WatchedLog } from '../../../src/assembly/watched-log.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { keptLogger } from '../actors/rig.ts';

const QUIET = { retrying() {}, recovered() {}, duplicatesPossible() {} };
const GONE = new TidegateError('TG_LOG_UNAVAILABLE', 'no broker answers');

function setUp() {
  const fake = new FakeLog();
  const events = new EventHub(keptLogger().logger);
  const heard: unknown[][] = [];
  const names: GatewayEventName[] = ['producer-ready', 'producer-error', 'consumer-ready', 'consumer-error'];
  for (const name of names)
    events.on(name, (...facts: unknown[]) =>
      heard.push([name, ...facts.map((fact) => (fact instanceof TidegateError ? fact.message : fact))]),
    );
  return { fake, heard, log: new WatchedLog(fake, events) };
}

test('the link of the log is told when it changes, and no more once the log is closed on purpose', async () => {
  const { fake, heard, log } = setUp();
  fake.link$.next({ state: 'up' });
  fake.link$.next({ state: 'up' });
  fake.link$.next({ state: 'down', reason: 'no broker answers' });
  fake.link$.next({ state: 'up' });
  await log.close();
  fake.link$.next({ state: 'down', reason: 'closed' });
  assert.deepEqual(heard, [
    ['producer-ready', { driver: 'fake' }],
    ['producer-error', 'the log is not available: no broker answers', { driver: 'fake' }],
    ['producer-ready', { driver: 'fake' }],
  ]);
});

test('a write that is repeated is told, as is the one that works again', () => {
  const { fake, heard, log } = setUp();
  const told: string[] = [];
  log.lane('orders', {
    retrying: () => told.push('retrying'),
    recovered: () => told.push('recovered'),
    duplicatesPossible: () => told.push('duplicates possible'),
  });
  const observer = fake.lanes.get('orders')?.observer ?? QUIET;
  observer.retrying(GONE);
  observer.recovered();
  observer.duplicatesPossible(GONE);
  assert.deepEqual(told, ['retrying', 'recovered', 'duplicates possible']);
  const about = { driver: 'fake', topic: 'orders' };
  assert.deepEqual(heard, [
    ['producer-error', 'no broker answers', about],
    ['producer-ready', about],
    ['producer-error', 'no broker answers', about],
  ]);
});

test('a reader tells once that it is live, and once that it broke', async () => {
  const { fake, heard, log } = setUp();
  const reader = log.reader({ topics: ['orders'], from: 'latest' });
  reader.batches$.subscribe({ error: () => {} });
  fake.readers[0]?.goLive();
  await reader.live;
  fake.readers[0]?.batches$.error(GONE);
  assert.deepEqual(heard, [
    ['consumer-ready', { topics: ['orders'] }],
    ['consumer-error', 'no broker answers', { topics: ['orders'] }],
  ]);
});

test('a reader that breaks before it is live tells that once, and one that is closed tells nothing', async () => {
  const { fake, heard, log } = setUp();
  const reader = log.reader({ topics: ['orders'], from: 'latest' });
  reader.batches$.subscribe({ error: () => {} });
  fake.readers[0]?.failLive(GONE);
  await assert.rejects(reader.live, GONE);
  fake.readers[0]?.batches$.error(GONE);
  const other = log.reader({ topics: ['orders'], from: 'latest' });
  await other.close();
  fake.readers[1]?.failLive(GONE);
  await assert.rejects(other.live, GONE);
  assert.deepEqual(heard, [['consumer-error', 'no broker answers', { topics: ['orders'] }]]);
});

test("the gateways' own topics are nobody's concern", async () => {
  const { fake, heard, log } = setUp();
  const reader = log.reader({ topics: ['_tidegate.lobby.presence'], from: 'earliest' });
  fake.readers[0]?.goLive();
  await reader.live;
  assert.deepEqual(heard, []);
});

test('a member of a group is told at each deal and failure, and is known until it has left', () => {
  const { fake, heard, log } = setUp();
  const topics = ['orders'];
  log.group({ group: 'billing', topics, from: 'latest' });
  const [member] = fake.members;
  const state = () => log.members.map(({ state, partitions }) => [state, partitions.length]);
  const partitions = [0, 1].map((partition) => ({ topic: 'orders', partition }));
  const seen = [state()];
  member?.events$.next({ type: 'assigned', generation: 1, partitions, added: partitions, removed: [], members: [] });
  seen.push(state());
  member?.events$.next({ type: 'rebalancing' });
  seen.push(state());
  member?.events$.next({ type: 'failed', reason: GONE });
  seen.push(state());
  member?.events$.next({ type: 'joining' });
  seen.push(state());
  member?.events$.next({ type: 'left' });
  assert.deepEqual(
    seen.map(([one]) => one),
    [
      ['joining', 0],
      ['stable', 2],
      ['rebalancing', 2],
      ['failed', 0],
      ['joining', 0],
    ],
  );
  assert.deepEqual(log.members, []);
  assert.deepEqual(heard, [
    ['consumer-ready', { group: 'billing', topics, partitions: 2 }],
    ['consumer-error', 'no broker answers', { group: 'billing', topics }],
  ]);
});

test('lanes and the admin side are those of the log itself', async () => {
  const { fake, log } = setUp();
  const lane = log.lane('orders', QUIET);
  assert.equal(lane, fake.lanes.get('orders'));
  assert.equal(log.admin, fake.admin);
});
