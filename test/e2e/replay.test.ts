import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const config = 'test/fixtures/replay.yaml';
/** Their hashes are in all three partitions. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const WINDOW = 200;
/** As the fixture has it. */
const SINCE = 3_000;
const pass = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('clients that join late get the newest, the youngest, or all since an offset, also after a restart', async (t) => {
  const env = { TOPIC: 'numbers' };
  const first = await startGateway(t, { config, env });
  await first.ready();
  const feed = await Feed.open(first.port);
  const present = await Promise.all(['newest', 'room', 'recent'].map((path) => Reader.open(first.port, path)));
  // Partitions are read one beside the other: only between groups that everyone has got there is an order.
  const sendGroups = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      await feed.send(10);
      for (const reader of present) await reader.until(() => reader.isUpTo(feed));
      await pass(2);
    }
  };
  await sendGroups(6);
  await pass(SINCE + 100);
  const young = Date.now();
  await sendGroups(3);
  const recent = await Reader.open(first.port, 'recent');
  await recent.has(30);
  if (Date.now() - young < SINCE) assert.deepEqual(recent.ranges(), feed.newest(30));
  else t.diagnostic('this machine is too slow to tell what is younger than that');

  const newest = await Reader.open(first.port, 'newest');
  const room = await Reader.open(first.port, 'room');
  for (const reader of [newest, room]) {
    await reader.has(50);
    assert.deepEqual(reader.ranges(), feed.newest(50));
  }
  await feed.send(10);
  for (const reader of [newest, room, recent]) {
    await reader.until(() => reader.isUpTo(feed));
    reader.isWhole();
  }
  assert.deepEqual([newest.count, room.count, recent.count], [60, 60, 40], 'what is live comes once');

  assert.equal(await first.stop(), 0);
  const second = await startGateway(t, { config, env, dataDir: first.dataDir });
  await second.ready();
  for (const [path, count] of [
    ['newest', 50],
    ['room', 50],
    ['rest', 85],
  ] as const) {
    const reader = await Reader.open(second.port, path);
    await reader.has(count);
    if (count === 50) assert.deepEqual(reader.ranges(), feed.newest(50));
    reader.isWhole();
  }
});

test('clients that join while messages flow get history and then what is live, without a gap or a double', async (t) => {
  const gateway = await startGateway(t, { config, env: { TOPIC: 'numbers' } });
  await gateway.ready();
  const feed = await Feed.open(gateway.port);
  await feed.send(200);
  const flowing = feed.flow();
  const readers = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      await pass(Math.random() * 2_000);
      return Reader.open(gateway.port, ['newest', 'room', 'rest', 'recent'][at % 4] as string);
    }),
  );
  await feed.haltFor(readers, flowing);
  for (const reader of readers) {
    await reader.until(() => reader.isUpTo(feed));
    reader.isWhole();
  }
  const counts = readers.map(({ count }) => count);
  assert.ok(Math.min(...counts) >= 50);
  t.diagnostic(`${feed.sent} messages, ${Math.min(...counts)} to ${Math.max(...counts)} for a client`);
});

test('on Kafka, too: two gateways, one of which starts again while messages flow', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('replay') };
  const start = () => startGateway(t, { config, env });
  const [one, other] = await Promise.all([start(), start()]);
  await Promise.all([one.ready(), other.ready()]);
  const feed = await Feed.open(one.port);
  const flowing = feed.flow();
  const readers = await joinAtRandom([one, other], 1_000);
  await other.stop();
  const again = await start();
  await again.ready();
  readers.push(...(await joinAtRandom([one, again], 1_000)));
  const stayed = readers.filter(({ client }) => client.closed === undefined);
  await feed.haltFor(stayed, flowing);
  assert.equal(stayed.length, readers.length - 6, 'those of the gateway that stopped');
  for (const reader of stayed) {
    await reader.until(() => reader.isUpTo(feed));
    reader.isWhole();
    assert.ok(reader.count >= 50);
  }
  t.diagnostic(`${feed.sent} messages`);
});

async function joinAtRandom(gateways: readonly GatewayProcess[], within: number): Promise<Reader[]> {
  const each = gateways.flatMap(({ port }) =>
    ['newest', 'room', 'rest', 'newest', 'room', 'rest'].map((path) => ({ port, path })),
  );
  return Promise.all(
    each.map(async ({ port, path }) => {
      await pass(Math.random() * within);
      return Reader.open(port, path);
    }),
  );
}

/** Publishes numbered messages, each key with numbers of its own. */
class Feed {
  sent = 0;
  private isFlowing = false;
  private readonly client: TestClient;

  private constructor(client: TestClient) {
    this.client = client;
  }

  static async open(port: number): Promise<Feed> {
    return new Feed(await TestClient.open(`ws://127.0.0.1:${port}/feed`));
  }

  private get acked(): number {
    return this.client.frames.length;
  }

  /** So many more, all in the log. */
  async send(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) this.next();
    await this.client.until(() => this.acked === this.sent);
  }

  /** Sends without end until it is halted; resolves when all is in the log. */
  async flow(): Promise<void> {
    this.isFlowing = true;
    while (this.isFlowing) {
      for (let n = 0; n < 5 && this.sent - this.acked < WINDOW; n += 1) this.next();
      await pass(2);
    }
    await this.client.until(() => this.acked === this.sent);
  }

  /** Ends the flow once each reader has got its history, with one more of each key, which all of them get. */
  async haltFor(readers: readonly Reader[], flowing: Promise<void>): Promise<void> {
    await Promise.all(readers.map((reader) => reader.has(50)));
    this.isFlowing = false;
    await flowing;
    await this.send(KEYS.length);
  }

  /** First and last number of each key among the newest so many. */
  newest(count: number): Record<string, [number, number]> {
    const numbers = Array.from({ length: count }, (_, at) => this.sent - count + at);
    return rangesOf(numbers.map((number) => ({ key: keyOf(number), n: Math.floor(number / KEYS.length) })));
  }

  last(key: string): number {
    return Math.floor((this.sent - 1 - KEYS.indexOf(key)) / KEYS.length);
  }

  private next(): void {
    const n = Math.floor(this.sent / KEYS.length);
    this.client.ws.send(JSON.stringify({ id: this.sent, key: keyOf(this.sent), n }));
    this.sent += 1;
  }
}

interface Numbered {
  readonly key: string;
  readonly n: number;
}

/** A client of one of the endpoints. */
class Reader {
  readonly client: TestClient;
  private readonly path: string;
  private readonly parsed: Numbered[] = [];
  private readonly last = new Map<string, number>();
  private at = 0;

  private constructor(client: TestClient, path: string) {
    this.client = client;
    this.path = path;
  }

  static async open(port: number, path: string): Promise<Reader> {
    return new Reader(await TestClient.open(`ws://127.0.0.1:${port}/${path}`), path);
  }

  get records(): readonly Numbered[] {
    for (; this.at < this.client.frames.length; this.at += 1) {
      const frame = JSON.parse(String(this.client.frames[this.at])) as Numbered & { type?: string; message?: string };
      if (this.path !== 'room') this.take(frame);
      else if (frame.type === 'kafka') this.take(JSON.parse(String(frame.message)) as Numbered);
    }
    return this.parsed;
  }

  get count(): number {
    return this.records.length;
  }

  /** First and last number of each key. */
  ranges(): Record<string, [number, number]> {
    return rangesOf(this.records);
  }

  until(condition: () => boolean): Promise<void> {
    return this.client.until(condition);
  }

  has(count: number): Promise<void> {
    return this.until(() => this.count >= count);
  }

  isUpTo(feed: Feed): boolean {
    return this.count > 0 && KEYS.every((key) => this.last.get(key) === feed.last(key));
  }

  /** The numbers of each key rise one by one. */
  isWhole(): void {
    for (const key of KEYS) {
      const numbers = this.records.filter((record) => record.key === key).map(({ n }) => n);
      const [first = 0] = numbers;
      assert.deepEqual(
        numbers,
        numbers.map((_, at) => first + at),
        `${key} at ${this.path} has a gap or a double`,
      );
    }
  }

  private take(record: Numbered): void {
    this.parsed.push(record);
    this.last.set(record.key, record.n);
  }
}

function keyOf(number: number): string {
  return KEYS[number % KEYS.length] as string;
}

function rangesOf(records: readonly Numbered[]): Record<string, [number, number]> {
  const ranges: Record<string, [number, number]> = {};
  for (const { key, n } of records) {
    const range = ranges[key];
    ranges[key] = [Math.min(range?.[0] ?? n, n), Math.max(range?.[1] ?? n, n)];
  }
  return ranges;
}
