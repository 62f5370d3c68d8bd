import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Consumer, Delivery } from '../../src/actors/consumer-group/consumer.ts';
import type { GroupHandle } from '../../src/actors/consumer-group/group-handle.ts';
import { Groups } from '../../src/actors/consumer-group/groups.ts';
import type { TopicPartition } from '../../src/core/log.ts';
import { FakeGroupLog } from '../unit/actors/fake-group-log.ts';
import { keptLogger } from '../unit/actors/rig.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

/*
 * One group of a gateway while consumers come, go, confirm (late, in part, too much, what is not theirs), are slow and
 * seek, while the log rebalances, and while its member heeds a pause late. The model knows of each partition what was
 * confirmed and what was given since its last assignment; every delivery and every commit is held against it.
 */

const PARTITIONS = 5;
const MAX_UNSETTLED = 12;
/** Bytes that all partitions may hold: no bound, or one that lets a partition hold two records, or one at a time. */
const MAX_HELD = [2 ** 30, 4_800, 1_000];
/** Bytes of the largest record, as it is counted. */
const RECORD = 270;
const ALL = Array.from({ length: PARTITIONS }, (_, index) => index);

/** What is true of a partition. */
interface Truth {
  /** Index of the first record that is not confirmed, and of the first that was not given in this assignment. */
  next: number;
  given: number;
  /** 0: nothing was given since it went to its holder. */
  epoch: number;
  lastEpoch: number;
  committable: number;
  holder: TestConsumer | undefined;
}

class TestConsumer implements Consumer {
  room: number;
  held: readonly TopicPartition[] = [];
  readonly deliveries: Delivery[] = [];
  handle: GroupHandle | undefined;
  private readonly world: World;

  constructor(world: World, room: number) {
    this.world = world;
    this.room = room;
  }

  take(delivery: Delivery): void {
    const { length } = delivery.messages;
    this.world.watch(() => assert.ok(this.handle !== undefined, 'given something before it had its handle'));
    this.world.watch(() => assert.ok(length > 0 && length <= this.room, 'more than there was room for'));
    this.room -= delivery.messages.length;
    this.deliveries.push(delivery);
    this.world.watch(() => this.world.delivered(this, delivery));
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.held = partitions;
  }
}

class World {
  readonly log = new FakeGroupLog(PARTITIONS, MAX_UNSETTLED);
  readonly clock = new HandClock();
  readonly consumers: TestConsumer[] = [];
  readonly gone: TestConsumer[] = [];
  readonly kept = keptLogger();
  readonly groups: Groups;
  private readonly failures: unknown[] = [];
  private readonly truths: Truth[];
  private readonly maxHeld: number;

  constructor(maxHeld: number) {
    const { clock, log } = this;
    this.maxHeld = maxHeld;
    this.groups = new Groups({ log: log.port, clock, logger: this.kept.logger, maxHeld, polled: () => {} });
    this.truths = ALL.map(() => ({ next: 0, given: 0, epoch: 0, lastEpoch: 0, committable: 0, holder: undefined }));
  }

  join(room: number): void {
    const consumer = new TestConsumer(this, room);
    const before = this.log.joined.length;
    consumer.handle = this.groups.join({ group: 'g', topics: ['t'], from: 'earliest', consumer });
    this.consumers.push(consumer);
    if (this.log.joined.length > before) this.log.member.assign(ALL);
  }

  leave(index: number): void {
    const [consumer] = this.consumers.splice(index % this.consumers.length, 1);
    if (consumer === undefined) return;
    this.gone.push(consumer);
    consumer.handle?.leave();
  }

  assign(partitions: readonly number[], lost: readonly number[]): void {
    for (const partition of lost) this.forget(partition);
    this.log.member.assign(partitions, lost);
  }

  confirm(consumer: TestConsumer, delivery: Delivery, offset: number): void {
    const { partition, epoch } = delivery;
    const truth = this.truth(partition.partition);
    const counts = this.consumers.includes(consumer) && truth.holder === consumer && truth.epoch === epoch;
    if (counts) {
      const { offsets } = this.stored(partition.partition);
      while (truth.next < truth.given && (offsets[truth.next] ?? 0) < offset) {
        truth.committable = (offsets[truth.next] ?? 0) + 1;
        truth.next += 1;
      }
    }
    consumer.handle?.confirm({ ...partition, offset }, epoch);
  }

  seek(consumer: TestConsumer, partition: number, offset: number): void {
    const truth = this.truth(partition);
    const holds = this.consumers.includes(consumer) && truth.holder === consumer;
    if (holds) {
      const found = this.stored(partition).offsets.findIndex((each) => each >= offset);
      truth.next = found < 0 ? this.stored(partition).offsets.length : found;
      truth.committable = offset;
      this.forget(partition);
    }
    assert.equal(consumer.handle?.seek({ topic: 't', partition, offset }), holds);
  }

  delivered(consumer: TestConsumer, { partition: place, epoch, messages }: Delivery): void {
    const { partition } = place;
    const truth = this.truth(partition);
    const handles = this.consumers.filter(({ handle }) =>
      handle?.partitions.some((each) => each.partition === partition),
    );
    assert.deepEqual(handles, [consumer], 'given to one that does not have the partition');
    assert.ok(
      consumer.held.some((each) => each.partition === partition),
      'given before it heard of its assignment',
    );
    if (truth.epoch !== epoch) {
      assert.ok(epoch > truth.lastEpoch, 'an epoch goes back');
      Object.assign(truth, { epoch, lastEpoch: epoch, given: truth.next, holder: consumer });
    }
    const offsets = messages.map(({ offset }) => offset);
    const due = this.stored(partition).offsets.slice(truth.given, truth.given + offsets.length);
    assert.deepEqual(offsets, due, 'not what comes next: the first unconfirmed, then one after the other');
    truth.given += offsets.length;
  }

  /** What fails in a consumer is caught by who calls it. */
  watch(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failures.push(error);
    }
  }

  /** What holds after every step. */
  async check(): Promise<void> {
    // A member that joins is assigned partitions once it has its handle.
    await Promise.resolve();
    for (const failure of this.failures) throw failure;
    const [group] = this.groups.all;
    const assigned = group === undefined ? [] : [...this.log.member.reads.keys()];
    const holders = new Map<number, TestConsumer>();
    for (const consumer of this.consumers) {
      assert.deepEqual(consumer.held, consumer.handle?.partitions);
      for (const { partition } of consumer.held) {
        assert.equal(holders.has(partition), false, `two hold ${partition}`);
        holders.set(partition, consumer);
      }
    }
    const due = this.consumers.length > 0 ? assigned : [];
    assert.deepEqual([...holders.keys()].sort(), due.sort(), 'each has a holder while there is anyone, and only those');
    const shares = this.consumers.map(({ held }) => held.length);
    assert.ok(shares.length === 0 || Math.max(...shares) - Math.min(...shares) <= 1, `shares of ${shares}`);
    for (const partition of ALL) this.checkPartition(partition, holders.get(partition), assigned.includes(partition));
    const { heldBytes } = this.groups;
    assert.ok(heldBytes <= this.maxHeld + PARTITIONS * RECORD, `${heldBytes} bytes are held`);
  }

  /** The remaining members confirm all, until nothing is left. */
  async settle(): Promise<void> {
    if (this.consumers.length === 0) this.join(1);
    this.log.member.assign(ALL);
    await this.check();
    const isDone = () => ALL.every((partition) => this.truth(partition).next === this.stored(partition).offsets.length);
    for (let round = 0; !isDone(); round += 1) {
      assert.ok(round < 500, 'it never ends');
      this.log.member.heed();
      for (const partition of ALL) this.log.member.deliver(partition, 3);
      for (const consumer of this.consumers) {
        consumer.room = 4;
        consumer.handle?.ready();
        for (const delivery of consumer.deliveries)
          this.confirm(consumer, delivery, delivery.messages.at(-1)?.offset ?? 0);
        for (const delivery of consumer.deliveries) this.confirm(consumer, delivery, Number.MAX_SAFE_INTEGER);
      }
      await this.check();
    }
    const [group] = this.groups.all;
    assert.deepEqual(group?.lag(), new Map([['t', new Map(ALL.map((partition) => [partition, 0]))]]));
    assert.equal(this.groups.heldBytes, 0);
    await this.groups.stop(0);
    for (const partition of ALL) {
      assert.equal(this.stored(partition).committed, this.truth(partition).committable);
    }
    assert.deepEqual(this.kept.errors(), []);
  }

  stored(partition: number) {
    const stored = this.log.stored.get(partition);
    assert.ok(stored !== undefined);
    return stored;
  }

  truth(partition: number): Truth {
    const truth = this.truths[partition];
    assert.ok(truth !== undefined);
    return truth;
  }

  private checkPartition(partition: number, holder: TestConsumer | undefined, isAssigned: boolean): void {
    const truth = this.truth(partition);
    if (truth.holder !== holder) {
      this.forget(partition);
      truth.holder = holder;
    }
    if (!isAssigned) return;
    const { member } = this.log;
    const read = member.reads.get(partition);
    assert.ok(read !== undefined);
    assert.equal(member.committable(partition), truth.committable, 'committed is what is confirmed without a hole');
    assert.ok(read.flight.prefix.unsettled <= MAX_UNSETTLED);
    const waits = read.position - truth.given;
    if (holder === undefined) assert.equal(read.isPaused, true, 'read while no member is there to take it');
    else {
      assert.ok(waits === 0 || holder.room === 0, `${waits} records wait although there is room`);
      const holds = read.flight.prefix.unsettled > 0;
      const mayPause = waits > 0 || (this.maxHeld < 2 ** 30 && holds);
      assert.ok(read.isPaused ? mayPause : waits === 0, 'held back if, and only if, its records wait or it is full');
    }
  }

  /** What was given of a partition counts no more. */
  private forget(partition: number): void {
    const truth = this.truth(partition);
    truth.epoch = 0;
    truth.given = truth.next;
  }
}

interface Model {
  consumers: number;
}

type Command = fc.AsyncCommand<Model, World>;

function command(name: string, act: (world: World, model: Model) => void, needsConsumer = false): Command {
  return {
    check: ({ consumers }) => !needsConsumer || consumers > 0,
    async run(model, world) {
      act(world, model);
      assert.equal(world.consumers.length, model.consumers);
      await world.check();
    },
    toString: () => name,
  };
}

const partition = fc.nat(PARTITIONS - 1);
const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % Math.max(1, from.length)];

const append = fc
  .record({ of: partition, steps: fc.array(fc.constantFrom(1, 1, 1, 4), { minLength: 1, maxLength: 8 }) })
  .map(({ of, steps }) => command(`append ${of} ${steps}`, ({ log }) => log.append(of, steps)));

/** A fetch comes in, with records of some partitions. */
const deliver = fc.array(fc.nat(8), { minLength: PARTITIONS, maxLength: PARTITIONS }).map((counts) =>
  command(`deliver ${counts}`, ({ log }) => {
    for (const [of, count] of counts.entries()) log.joined.at(-1)?.deliver(of, count);
  }),
);

const heed = fc.constant(command('heed', ({ log }) => log.joined.at(-1)?.heed()));

const join = fc.nat(6).map((room) =>
  command(`join ${room}`, (world, model) => {
    model.consumers += 1;
    world.join(room);
  }),
);

const leave = fc.nat(9).map((who) =>
  command(
    `leave ${who}`,
    (world, model) => {
      model.consumers -= 1;
      world.leave(who);
    },
    true,
  ),
);

const assign = fc.record({ mask: fc.nat(2 ** PARTITIONS - 1), lost: fc.nat(2 ** PARTITIONS - 1) }).map((bitsOf) => {
  const [partitions, lost] = [bits(bitsOf.mask), bits(bitsOf.lost)];
  return command(`assign ${partitions} lost ${lost}`, (world) => {
    if (world.groups.all.length > 0) world.assign(partitions, lost);
  });
});

const confirm = fc
  .record({
    who: fc.nat(9),
    which: fc.nat(20),
    isOwn: fc.boolean(),
    how: fc.constantFrom('all' as const, 'all' as const, 'some' as const, 'none' as const, 'beyond' as const),
  })
  .map(({ who, which, isOwn, how }) =>
    command(`confirm ${who} ${which} ${isOwn} ${how}`, (world) => {
      const known = isOwn ? world.consumers : [...world.consumers, ...world.gone];
      const consumer = pick(known, who);
      const delivery = pick((isOwn ? consumer : pick(known, who + 1))?.deliveries.toReversed() ?? [], which);
      if (consumer === undefined || delivery === undefined) return;
      const { messages } = delivery;
      const last = messages.at(-1)?.offset ?? 0;
      const middle = messages[messages.length >> 1]?.offset ?? 0;
      const offset = { all: last + 1, some: middle, none: messages[0]?.offset ?? 0, beyond: last + 1_000 }[how];
      world.confirm(consumer, delivery, offset);
    }),
  );

const room = fc.record({ who: fc.nat(9), room: fc.nat(8) }).map((given) =>
  command(
    `room ${given.who} ${given.room}`,
    ({ consumers }) => {
      const consumer = pick(consumers, given.who);
      if (consumer === undefined) return;
      consumer.room = given.room;
      consumer.handle?.ready();
    },
    true,
  ),
);

const seek = fc
  .record({ who: fc.nat(9), any: partition, isOwn: fc.boolean(), to: fc.nat(30) })
  .map(({ who, any, isOwn, to }) =>
    command(
      `seek ${who} ${any} ${isOwn} ${to}`,
      (world) => {
        const consumer = pick(isOwn ? world.consumers : [...world.consumers, ...world.gone], who);
        const of = (isOwn ? pick(consumer?.held ?? [], any)?.partition : undefined) ?? any;
        const { offsets } = world.stored(of);
        const offset = offsets.length === 0 ? 0 : (pick(offsets, to) ?? 0);
        if (consumer !== undefined) world.seek(consumer, of, offset);
      },
      true,
    ),
  );

const wait = fc.constantFrom(500, 1_500).map((time) => command(`wait ${time}`, ({ clock }) => clock.advance(time)));

/** Those that move records come more often than those that move partitions. */
const commands = [
  ...[append, deliver, deliver, deliver, heed, heed, confirm, confirm, confirm, room, room, room],
  ...[join, join, leave, assign, seek, wait],
];

test('shared partitions: one holder each, nothing skipped, nothing confirmed given again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MAX_HELD),
      fc.commands(commands, { maxCommands: 120, size: 'max' }),
      async (maxHeld, cmds) => {
        const world = new World(maxHeld);
        await fc.asyncModelRun(() => ({ model: { consumers: 0 }, real: world }), cmds);
        await world.settle();
      },
    ),
    { numRuns: 300 },
  );
});

function bits(mask: number): number[] {
  return ALL.filter((index) => (mask & (1 << index)) !== 0);
}
