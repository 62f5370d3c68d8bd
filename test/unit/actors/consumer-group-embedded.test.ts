import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Consumer, Delivery } from '../../../src/actors/consumer-group/consumer.ts';
import type { GroupHandle } from '../../../src/actors/consumer-group/group-handle.ts';
import { Groups } from '../../../src/actors/consumer-group/groups.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Lane, Log } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { createEmbeddedLog } from '../../../src/transports/embedded/index.ts';

const TOPIC = 'orders';
const PARTITIONS = 12;
const RECORDS = 6_000;
const logger = createLogger({ level: 'silent' });

/** Counts what is confirmed, by all clients of all gateways. */
class Book {
  readonly confirmed = new Set<string>();
  given = 0;
  private readonly checks = new Set<() => void>();

  note(records: readonly string[]): void {
    for (const record of records) this.confirmed.add(record);
    for (const check of [...this.checks]) check();
  }

  reaches(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.confirmed.size < count) return;
        this.checks.delete(check);
        resolve();
      };
      this.checks.add(check);
      check();
    });
  }
}

/** A socket that answers the ping behind each delivery a turn later, and has room for so many records till then. */
class Client implements Consumer {
  room = 50;
  isGone = false;
  handle: GroupHandle | undefined;
  readonly faults: string[] = [];
  private readonly book: Book;
  private readonly last = new Map<string, { readonly epoch: number; readonly offset: number }>();

  constructor(book: Book) {
    this.book = book;
  }

  take(delivery: Delivery): void {
    this.checkOrder(delivery);
    this.room -= delivery.messages.length;
    this.book.given += delivery.messages.length;
    setImmediate(() => this.ponged(delivery));
  }

  assigned(): void {}

  /** The socket is cut: nothing that it was sent is confirmed any more. */
  cut(): void {
    this.isGone = true;
    this.handle?.leave();
  }

  private ponged({ partition, epoch, messages }: Delivery): void {
    if (this.isGone) return;
    const offset = (messages.at(-1)?.offset ?? 0) + 1;
    this.handle?.confirm({ ...partition, offset }, epoch);
    this.room += messages.length;
    this.handle?.ready();
    this.book.note(messages.map(({ text }) => text));
  }

  private checkOrder({ partition, epoch, messages }: Delivery): void {
    const before = this.last.get(String(partition.partition));
    for (const [at, message] of messages.entries()) {
      const previous = at === 0 ? (before?.epoch === epoch ? before.offset : undefined) : messages[at - 1]?.offset;
      if (previous !== undefined && message.offset !== previous + 1)
        this.faults.push(`${partition.partition}: ${message.offset} after ${previous}`);
    }
    this.last.set(String(partition.partition), { epoch, offset: messages.at(-1)?.offset ?? -1 });
  }
}

async function setUp(t: TestContext) {
  const log = createEmbeddedLog({ memory: true, logger, stats: createStats(), clock: systemClock });
  await log.open();
  t.after(() => log.close());
  await log.admin.create({ name: TOPIC, partitions: PARTITIONS });
  const book = new Book();
  const gateway = () => {
    const groups = new Groups({ log, logger, clock: systemClock, maxHeld: 2 ** 26, polled: () => {} });
    t.after(() => groups.stop(0));
    const clients: Client[] = [];
    const connect = (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const client = new Client(book);
        client.handle = groups.join({ group: 'billing', topics: [TOPIC], from: 'earliest', consumer: client });
        clients.push(client);
      }
      return clients[0]?.handle?.live;
    };
    return { groups, clients, connect };
  };
  const lane = log.lane(TOPIC, { retrying() {}, recovered() {}, duplicatesPossible() {} });
  return { log, lane, book, gateway };
}

async function write(lane: Lane, from: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => {
    return new Message(Buffer.from(String(from + index)), { key: `k${(from + index) % 97}` });
  });
  assert.deepEqual(await lane.send(messages), []);
}

async function committedAndEnd(log: Log) {
  const committed = await log.admin.committed('billing', TOPIC);
  const ends = await log.admin.offsets(TOPIC);
  return [ends.map(({ partition }) => committed.get(partition)), ends.map(({ latest }) => latest)];
}

test('two gateways in one group, cut sockets and a gateway that leaves: every record, in order', async (t) => {
  const { log, lane, book, gateway } = await setUp(t);
  const [one, two] = [gateway(), gateway()];
  await Promise.all([one.connect(40), two.connect(40)]);
  const held = () => [...one.clients, ...two.clients].flatMap(({ handle }) => handle?.partitions ?? []);
  assert.deepEqual(new Set(held().map(({ partition }) => partition)).size, PARTITIONS);
  const third = RECORDS / 3;
  await write(lane, 0, third);
  await book.reaches(third / 2);
  for (const client of [...one.clients.slice(0, 20), ...two.clients.slice(10, 30)]) client.cut();
  await write(lane, third, third);
  await book.reaches(third);
  await one.groups.stop(0);
  await write(lane, 2 * third, third);
  await book.reaches(RECORDS);
  assert.equal(held().length, PARTITIONS, 'the remaining member holds all');
  await two.groups.stop(1_000);
  const [committed, ends] = await committedAndEnd(log);
  assert.deepEqual(committed, ends);
  assert.deepEqual(
    [...one.clients, ...two.clients].flatMap(({ faults }) => faults),
    [],
  );
  assert.ok(book.given >= RECORDS);
});
