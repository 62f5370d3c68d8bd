import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { ConsumerGroup } from '../../../src/actors/consumer-group/consumer-group.ts';
import { consumerGroupMachine } from '../../../src/actors/consumer-group/machine.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { FakeLog } from './fake-log.ts';
import { keptLogger } from './rig.ts';

function setUp() {
  const log = new FakeLog();
  const kept = keptLogger();
  const polled: Batch[] = [];
  const group = new ConsumerGroup({
    log,
    group: 'g',
    topics: ['t'],
    from: 'earliest',
    logger: kept.logger,
    polled: (batch) => polled.push(batch),
  });
  const seen: Batch[] = [];
  const failures: unknown[] = [];
  const listen = () =>
    group.batches$.subscribe({ next: (batch) => seen.push(batch), error: (error) => failures.push(error) });
  return { log, group, polled, seen, failures, listen, ...kept };
}

const batch = () => new Batch([new Message(Buffer.from('a'))]);

test('a group joins when it is opened, not before, and reads once it has joined', async () => {
  const { log, group, seen, polled, listen } = setUp();
  listen();
  assert.equal(log.members.length, 0);
  await group.open();
  const [member] = log.members;
  assert.deepEqual(member?.options, { group: 'g', topics: ['t'], from: 'earliest', topicIds: new Map() });
  assert.equal(member?.batches$.observed, true);
  const first = batch();
  member?.batches$.next(first);
  assert.deepEqual([seen, polled], [[first], [first]]);
});

test('pause, resume and close reach the member; before and after there is none', async () => {
  const { log, group } = setUp();
  group.pause();
  await group.close();
  await group.open();
  group.pause();
  group.resume();
  await group.close();
  await group.close();
  group.resume();
  assert.deepEqual(log.members[0]?.orders, ['pause', 'resume', 'leave']);
});

test('a pipeline that starts again comes back as a new member', async () => {
  const { log, group, seen, listen } = setUp();
  const first = listen();
  await group.open();
  first.unsubscribe();
  await group.close();
  listen();
  await group.open();
  log.members[0]?.batches$.next(batch());
  assert.equal(seen.length, 0);
  log.members[1]?.batches$.next(batch());
  assert.equal(seen.length, 1);
  assert.deepEqual(log.members[1]?.options.topicIds, new Map([['t', 'id']]), 'it knows which topics those were');
});

test('a member whose batches fail ends the flow that listens, and the next flow hears the next member', async () => {
  const { log, group, seen, failures, listen } = setUp();
  listen();
  await group.open();
  log.members[0]?.batches$.error(new Error('broken'));
  assert.equal(failures.length, 1);
  await group.close();
  listen();
  await group.open();
  log.members[1]?.batches$.next(batch());
  assert.deepEqual([seen.length, failures.length], [1, 1]);
});

test('assignments are logged, a failed member is a warning, a gap is an error', async () => {
  const { log, group, infos, warnings, errors } = setUp();
  await group.open();
  const member = log.members[0];
  member?.events$.next({ type: 'joining' });
  const partitions = [{ topic: 't', partition: 0 }];
  member?.events$.next({ type: 'assigned', generation: 3, partitions, added: partitions, removed: [], members: [] });
  member?.events$.next({ type: 'rebalancing' });
  member?.events$.next({ type: 'failed', reason: new TidegateError('TG_GROUP_FAILED', 'expired') });
  member?.gaps$.next({ topic: 't', partition: 0, from: 1, to: 3 });
  assert.match(infos().join(), /the group g assigned 1 partition to this gateway/);
  assert.match(warnings().join(), /failed and joins again: expired/);
  assert.match(errors().join(), /records 1-2 of t\/0 were gone/);
});

for (const [when, ...before] of [
  ['joins', 'JOINING'],
  ['rebalances', 'ASSIGNED', 'REBALANCING'],
  ['has failed', 'ASSIGNED', 'FAILED'],
] as const) {
  test(`a member that is paused while it ${when} is paused once it has its partitions, until it is resumed`, () => {
    const actor = createActor(consumerGroupMachine).start();
    const after = (...types: ('JOINING' | 'ASSIGNED' | 'REBALANCING' | 'FAILED' | 'PAUSE' | 'RESUME')[]) => {
      for (const type of types) actor.send({ type });
      return actor.getSnapshot().value;
    };
    const unpaused = after(...before);
    assert.equal(after('PAUSE'), unpaused);
    assert.equal(after('ASSIGNED'), 'paused');
    assert.equal(after('REBALANCING', 'ASSIGNED'), 'paused');
    assert.equal(after('REBALANCING', 'RESUME', 'ASSIGNED'), 'stable');
  });
}
