import { Kafka, logLevel } from 'kafkajs';
import { TopicsClient } from '../test/helpers/topics-client.ts';

/** Milliseconds between two records of a partition, and after which one that has not come is missing. */
const PAUSE = 20;
const LATE = 500;
/** Records before a mark that tell who had a partition until then. */
const BEFORE = 25;

type Part = { readonly t?: string; readonly p?: unknown };
type Frame = Part | readonly Part[];

interface Arrival {
  readonly gateway: number;
  readonly sentAt: number;
  readonly latency: number;
}

/** Writes a numbered record into each partition every 20 ms, and knows by which gateway each came, and how late. */
export class Watch {
  private readonly sent: number[][] = [];
  private readonly arrivals: (Arrival | undefined)[][] = [];
  /** By partition: numbers of records that came again. */
  private readonly again: number[][] = [];
  private gateways = 0;

  /** Resolves with how to end it. */
  async produce(brokers: string, topic: string, partitions: number): Promise<() => Promise<void>> {
    for (let partition = 0; partition < partitions; partition++) {
      this.sent.push([]);
      this.arrivals.push([]);
      this.again.push([]);
    }
    const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const timer = setInterval(() => {
      const messages = this.sent.map((times, partition) => {
        times.push(performance.now());
        return { partition, value: JSON.stringify([partition, times.length - 1]) };
      });
      producer.send({ topic, messages, acks: 1 }).catch((error: unknown) => console.error(error));
    }, PAUSE);
    return async () => {
      clearInterval(timer);
      await producer.disconnect();
    };
  }

  /** Becomes a member of the group by that gateway. Resolves with how to end it. */
  async listen(port: number, topic: string): Promise<() => void> {
    const gateway = this.gateways++;
    const member = await TopicsClient.open(port, '/topics');
    const { ws } = member.client;
    ws.on('message', (data) => this.take(gateway, JSON.parse(String(data)) as Frame));
    const reply = await member.topic('subscribe', { t: topic, consumer_group: topic });
    if (reply.s !== 0) throw new Error(`not subscribed: ${JSON.stringify(reply)}`);
    return () => ws.terminate();
  }

  private take(gateway: number, frame: Frame): void {
    const now = performance.now();
    for (const { t, p } of [frame].flat()) {
      if (t !== 'notif' || typeof p !== 'string') continue;
      const [partition, number] = JSON.parse(p) as [number, number];
      const sentAt = this.sent[partition]?.[number] ?? now;
      if (this.arrivals[partition]?.[number] !== undefined) this.again[partition]?.push(number);
      else (this.arrivals[partition] ?? [])[number] = { gateway, sentAt, latency: now - sentAt };
    }
  }

  /** How far each partition is. */
  mark(): readonly number[] {
    return this.sent.map((times) => times.length);
  }

  /** What became of the records since then, as a row of a table. */
  row(what: string, mark: readonly number[]): string {
    const waits = { moved: [] as number[], stayed: [] as number[] };
    const count = { again: 0, missing: 0 };
    const end = performance.now() - LATE;
    for (const [partition, times] of this.sent.entries()) {
      const first = mark[partition] ?? 0;
      const numbers = times.flatMap((at, number) => (number >= first && at < end ? [number] : []));
      const came = numbers.flatMap((number) => this.arrivals[partition]?.[number] ?? []);
      count.missing += numbers.length - came.length;
      count.again += (this.again[partition] ?? []).filter((number) => number >= first).length;
      const before = (this.arrivals[partition] ?? [])
        .slice(Math.max(0, first - BEFORE), first)
        .flatMap((one) => one ?? []);
      const owners = new Set([...before, ...came].map(({ gateway }) => gateway));
      (owners.size > 1 ? waits.moved : waits.stayed).push(Math.max(0, ...came.map(({ latency }) => latency)));
    }
    const { moved, stayed } = waits;
    return `| ${what} | ${moved.length} of ${this.sent.length} | ${range(moved)} | ${range(stayed)} | ${count.again} | ${count.missing} |`;
  }
}

/** The longest wait of a record, as the median of the partitions and the longest of all. */
function range(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  return middle === undefined ? '-' : `${middle.toFixed(0)} ms, at most ${sorted.at(-1)?.toFixed(0)} ms`;
}
