// Slow: it writes logs to disk, in many orders.

import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import type { GroupEvent, GroupMember, Lane } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import { partitionOfKey } from '../../src/core/partitioner.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../../src/transports/embedded/index.ts';

const TOPIC = 't';
const GROUP = 'g';
const PARTITIONS = 3;
const MOST_MEMBERS = 4;
/** How long what is due may take: milliseconds, and much more on a disk that others are writing to. */
const PATIENCE = 10_000;

/** What a partition should be like: everything below is derived from the commands alone, and from who was given it. */
interface PartitionModel {
  readonly log: string[];
  /** Where its present owner began, and what that one has settled since. */
  start: number;
  readonly acked: Set<number>;
  /** The offset that its present owner is given next. */
  next: number;
  /** What a crash goes back to; undefined before the group has begun. */
  durable: number | undefined;
}

interface Model {
  readonly partitions: PartitionModel[];
  members: number;
}

class TestMember {
  readonly member: GroupMember;
  /** In flight from the present assignment, and from earlier ones. */
  held: Message[] = [];
  stale: Message[] = [];
  owned = new Set<number>();

  constructor(log: EmbeddedLog, model: Model) {
    this.member = log.group({ group: GROUP, topics: [TOPIC], from: 'earliest', commitInterval: 3_600_000 });
    this.member.events$.subscribe((event) => this.follow(event, model));
    this.member.batches$.subscribe(({ messages }) => {
      for (const message of messages) this.take(message, model);
    });
  }

  private follow(event: GroupEvent, model: Model): void {
    if (event.type !== 'assigned') return;
    for (const { partition } of event.removed) this.lose(partition);
    for (const { partition } of event.added) {
      this.owned.add(partition);
      handOver(partitionOf(model, partition));
    }
    assert.deepEqual(this.owned, new Set(event.partitions.map(({ partition }) => partition)));
  }

  /** Each record is the next of its partition, from where the last owner had settled. */
  private take(message: Message, model: Model): void {
    const partition = partitionOf(model, message.partition);
    assert.ok(this.owned.has(message.partition), 'a member is given records of its own partitions only');
    assert.equal(message.offset, partition.next);
    assert.equal(message.text, partition.log[message.offset]);
    partition.next += 1;
    this.held.push(message);
  }

  private lose(partition: number): void {
    this.owned.delete(partition);
    this.stale.push(...this.held.filter((message) => message.partition === partition));
    this.held = this.held.filter((message) => message.partition !== partition);
  }
}

class System {
  directory: string;
  log: EmbeddedLog;
  lane: Lane;
  members: TestMember[] = [];

  private constructor(directory: string, log: EmbeddedLog) {
    this.directory = directory;
    this.log = log;
    this.lane = laneOf(log);
  }

  static async start(): Promise<System> {
    const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-property-'));
    const log = await opened(directory);
    await log.admin.create({ name: TOPIC, partitions: PARTITIONS });
    return new System(directory, log);
  }

  async reopen(directory: string): Promise<void> {
    this.directory = directory;
    this.log = await opened(directory);
    this.lane = laneOf(this.log);
    this.members = [];
  }

  async end(): Promise<void> {
    await this.log.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Waits until the partitions are shared out, their owners were given everything, and what should be durable is. */
  async settleDown(model: Model): Promise<void> {
    for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; ) {
      const committed = await this.log.admin.committed(GROUP, TOPIC);
      const isDurable = model.partitions.every(({ durable }, index) => committed.get(index) === durable);
      const shares = this.members.map(({ owned }) => owned.size);
      const isShared = shares.length === 0 || shares.reduce((sum, share) => sum + share, 0) === PARTITIONS;
      const isEven = Math.max(...shares) - Math.min(...shares) <= 1 || shares.length === 0;
      const isRead = this.members.length === 0 || model.partitions.every(({ next, log }) => next === log.length);
      if (isDurable && isShared && isEven && isRead) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const committed = await this.log.admin.committed(GROUP, TOPIC);
    assert.deepEqual(
      {
        committed: model.partitions.map((_, index) => committed.get(index)),
        read: model.partitions.map(({ next }) => next),
      },
      {
        committed: model.partitions.map(({ durable }) => durable),
        read: model.partitions.map(({ log }) => log.length),
      },
    );
    assert.fail('the partitions were not shared out');
  }
}

type Command = fc.AsyncCommand<Model, System>;

class Produce implements Command {
  readonly keys: readonly number[];

  constructor(keys: readonly number[]) {
    this.keys = keys;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, system: System): Promise<void> {
    const messages = this.keys.map((key, at) => new Message(Buffer.from(`${key}.${at}`), { key: `key ${key}` }));
    const expected = messages.map((message) => {
      const index = partitionOfKey(message.key ?? '', PARTITIONS);
      return [index, partitionOf(model, index).log.push(message.text) - 1];
    });
    assert.deepEqual(await system.lane.send(messages), []);
    assert.deepEqual(
      messages.map(({ partition, offset }) => [partition, offset]),
      expected,
    );
    await system.settleDown(model);
  }

  toString(): string {
    return `produce ${this.keys.join()}`;
  }
}

class Join implements Command {
  check({ members }: Readonly<Model>): boolean {
    return members < MOST_MEMBERS;
  }

  async run(model: Model, system: System): Promise<void> {
    model.members += 1;
    system.members.push(new TestMember(system.log, model));
    await system.settleDown(model);
  }

  toString(): string {
    return 'join';
  }
}

/** A command on one of the members. */
abstract class OfMember implements Command {
  readonly which: number;

  constructor(which: number) {
    this.which = which;
  }

  check({ members }: Readonly<Model>): boolean {
    return members > 0;
  }

  async run(model: Model, system: System): Promise<void> {
    const one = system.members[this.which % system.members.length];
    assert.ok(one !== undefined);
    await this.apply(one, model, system);
    await system.settleDown(model);
  }

  protected abstract apply(one: TestMember, model: Model, system: System): Promise<void>;
}

class Leave extends OfMember {
  protected override async apply(one: TestMember, model: Model, system: System): Promise<void> {
    model.members -= 1;
    for (const index of one.owned) settleDurably(partitionOf(model, index));
    system.members = system.members.filter((other) => other !== one);
    await one.member.leave();
  }

  override toString(): string {
    return `leave ${this.which}`;
  }
}

class Settle extends OfMember {
  readonly picks: readonly boolean[];

  constructor(which: number, picks: readonly boolean[]) {
    super(which);
    this.picks = picks;
  }

  protected override async apply(one: TestMember, model: Model): Promise<void> {
    const isPicked = (at: number) => this.picks[at % this.picks.length] === true;
    for (const message of one.held.filter((_, at) => isPicked(at))) {
      partitionOf(model, message.partition).acked.add(message.offset);
      message.ack();
    }
    one.held = one.held.filter(({ isSettled }) => !isSettled);
    // What came late changes nothing.
    for (const message of one.stale.splice(0)) message.ack();
  }

  override toString(): string {
    return `settle ${this.which} ${this.picks.map(Number).join('')}`;
  }
}

class Commit extends OfMember {
  protected override async apply(one: TestMember, model: Model): Promise<void> {
    for (const index of one.owned) {
      const partition = partitionOf(model, index);
      partition.durable = committable(partition);
    }
    await one.member.commit();
  }

  override toString(): string {
    return `commit ${this.which}`;
  }
}

/** The process ends without a word: what was on disk then is all that is left. */
class Crash implements Command {
  check(): boolean {
    return true;
  }

  async run(model: Model, system: System): Promise<void> {
    await system.settleDown(model);
    const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-property-'));
    await copyFile(path.join(system.directory, 'data.mdb'), path.join(directory, 'data.mdb'));
    await system.end();
    for (const partition of model.partitions) {
      partition.start = partition.durable ?? 0;
      partition.acked.clear();
      partition.next = partition.start;
    }
    model.members = 0;
    await system.reopen(directory);
    await checkRecords(model, system);
  }

  toString(): string {
    return 'crash';
  }
}

class Reopen implements Command {
  check(): boolean {
    return true;
  }

  async run(model: Model, system: System): Promise<void> {
    for (const { owned } of system.members) for (const index of owned) settleDurably(partitionOf(model, index));
    model.members = 0;
    await system.log.close();
    await system.reopen(system.directory);
    await checkRecords(model, system);
  }

  toString(): string {
    return 'reopen';
  }
}

describe('the embedded log', () => {
  test('is what a model says after any commands, crashes included', { timeout: 300_000 }, async () => {
    const which = fc.nat({ max: 7 });
    const commands = fc.commands(
      [
        fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 30 }).map((keys) => new Produce(keys)),
        fc.constant(new Join()),
        which.map((one) => new Leave(one)),
        fc.tuple(which, fc.array(fc.boolean(), { minLength: 1, maxLength: 6 })).map((of) => new Settle(...of)),
        which.map((one) => new Commit(one)),
        fc.constant(new Crash()),
        fc.constant(new Reopen()),
      ],
      { maxCommands: 40, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const system = await System.start();
        try {
          await fc.asyncModelRun(() => ({ model: newModel(), real: system }), sequence);
        } finally {
          await system.end();
        }
      }),
      { numRuns: 60, includeErrorInReport: true },
    );
  });
});

function newModel(): Model {
  const partitions = Array.from({ length: PARTITIONS }, () => ({
    log: [],
    start: 0,
    acked: new Set<number>(),
    next: 0,
    durable: undefined,
  }));
  return { partitions, members: 0 };
}

function partitionOf(model: Model, index: number): PartitionModel {
  const partition = model.partitions[index];
  assert.ok(partition !== undefined);
  return partition;
}

function committable({ start, acked }: PartitionModel): number {
  let offset = start;
  while (acked.has(offset)) offset += 1;
  return offset;
}

/** A new owner begins where the last one had settled; what that one settled further on is settled no more. */
function handOver(partition: PartitionModel): void {
  settleDurably(partition);
}

function settleDurably(partition: PartitionModel): void {
  partition.start = committable(partition);
  partition.acked.clear();
  partition.next = partition.start;
  partition.durable = partition.start;
}

async function opened(directory: string): Promise<EmbeddedLog> {
  const parts = { logger: createLogger({ level: 'silent' }), stats: createStats(), clock: systemClock };
  const log = createEmbeddedLog({ path: directory, ...parts });
  await log.open();
  return log;
}

function laneOf(log: EmbeddedLog): Lane {
  return log.lane(TOPIC, { retrying() {}, recovered() {}, duplicatesPossible() {} });
}

/** Everything that was acknowledged is there, in order. */
async function checkRecords(model: Model, system: System): Promise<void> {
  const stored = model.partitions.map((): string[] => []);
  const count = model.partitions.reduce((sum, { log }) => sum + log.length, 0);
  const reader = system.log.reader({ topics: [TOPIC], from: 'earliest' });
  await new Promise<void>((resolve) => {
    let seen = 0;
    reader.batches$.subscribe(({ messages }) => {
      for (const message of messages) stored[message.partition]?.push(message.text);
      seen += messages.length;
      if (seen >= count) resolve();
    });
    if (count === 0) resolve();
  });
  await reader.close();
  assert.deepEqual(
    stored,
    model.partitions.map(({ log }) => log),
  );
}
