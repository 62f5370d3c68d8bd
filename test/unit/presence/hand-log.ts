import { NEVER, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { Headers } from '../../../src/core/headers.ts';
import type { Checkpoint, Log, Reader, ReaderOptions } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import type { TopicPort } from '../../../src/sdk/context.ts';
import { HandClock } from '../core/hand-clock.ts';

/*
 * A log that moves by hand: what is written waits until it is stored, what is stored until it is acked and until it is
 * delivered, to each gateway at its own pace.
 */

interface Stored {
  readonly offset: number;
  readonly key: string | null;
  readonly payload: Buffer;
  readonly isTombstone: boolean;
  readonly headers: Headers;
  readonly timestamp: number;
}

/** Topics of one partition each. */
export class HandLog {
  readonly topics: ReadonlyMap<string, Stored[]>;
  time = 1_000_000;

  constructor(topics: readonly string[]) {
    this.topics = new Map(topics.map((name) => [name, []]));
  }

  end(topic: string): number {
    return this.of(topic).length;
  }

  of(topic: string): Stored[] {
    return this.topics.get(topic) ?? [];
  }

  append(topic: string, message: Message): number {
    const records = this.of(topic);
    const offset = records.length;
    const isTombstone = message.meta.tombstone === true;
    const key = message.key?.toString() ?? null;
    records.push({
      offset,
      key,
      payload: message.payload,
      isTombstone,
      headers: message.headers,
      timestamp: this.time,
    });
    return offset;
  }

  /** What compaction leaves when everything before `clean` is compacted, with its tombstones or without. */
  compacted(topic: string, clean: number, keepsTombstones: boolean): Stored[] {
    const records = this.of(topic);
    const last = new Map(records.slice(0, clean).map(({ key, offset }) => [key, offset]));
    return records.filter(
      ({ offset, key, isTombstone }) =>
        offset >= clean || (last.get(key) === offset && (keepsTombstones || !isTombstone)),
    );
  }
}

export interface Compaction {
  /** Part of the topic that is compacted, 0 to 1. */
  readonly part: number;
  readonly keepsTombstones: boolean;
}

class HandReader implements Reader {
  readonly batches$ = new Subject<Batch>();
  readonly gaps$ = NEVER;
  readonly live = Promise.resolve();
  readonly topic: string;
  position: number;
  isClosed = false;
  private readonly log: HandLog;
  /** What compaction has left of the records before the reader was opened, and their end. */
  private readonly history: readonly Stored[];
  private readonly historyEnd: number;

  constructor(log: HandLog, { topics, from }: ReaderOptions, { part, keepsTombstones }: Compaction) {
    this.log = log;
    [this.topic = ''] = topics;
    this.historyEnd = log.end(this.topic);
    this.position = from === 'earliest' ? 0 : this.historyEnd;
    this.history = log.compacted(this.topic, Math.floor(part * this.historyEnd), keepsTombstones);
  }

  get isAtEnd(): boolean {
    return this.position >= this.log.end(this.topic);
  }

  deliver(most: number): void {
    const visible = [...this.history, ...this.log.of(this.topic).slice(this.historyEnd)];
    const records = visible.filter(({ offset }) => offset >= this.position).slice(0, most);
    const last = records.at(-1);
    this.position = last === undefined ? this.log.end(this.topic) : last.offset + 1;
    if (last !== undefined) this.batches$.next(new Batch(records.map((record) => this.message(record))));
  }

  pause(): void {}
  resume(): void {}
  leave(): void {}

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return new Map([[this.topic, new Map([[0, this.position]])]]);
  }

  checkpoint(): Checkpoint {
    return new Map([...this.positions()].map(([topic, offsets]) => [topic, { id: undefined, offsets }]));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private message({ offset, key, payload, isTombstone, headers, timestamp }: Stored): Message {
    const meta = isTombstone ? { tombstone: true } : {};
    return new Message(payload, { key: key === null ? null : Buffer.from(key), headers, meta, offset, timestamp });
  }
}

/** What a gateway has of the log: what it writes waits until it is stored, and what is stored until it is acked and delivered. */
export class HandPorts {
  isFrozen = false;
  readonly clock = new HandClock();
  readonly log: HandLog;
  private readonly compaction: Compaction;
  private readonly waiting = new Map<string, Message[]>();
  private unacked: Message[] = [];
  private readonly readers: HandReader[] = [];
  private missed = 0;

  constructor(log: HandLog, compaction: Compaction) {
    this.log = log;
    this.compaction = compaction;
    this.clock.time = log.time;
  }

  /** Whether its readers have read all there is. */
  get isAtEnd(): boolean {
    return this.readers.every((reader) => reader.isClosed || reader.isAtEnd);
  }

  /** For what is tested. */
  protected get logPort(): Pick<Log, 'reader' | 'admin'> {
    const offsets = async (topic: string) => [{ partition: 0, earliest: 0, latest: this.log.end(topic) }];
    return {
      admin: { offsets } as unknown as Log['admin'],
      reader: (options) => {
        const reader = new HandReader(this.log, options, this.compaction);
        this.readers.push(reader);
        return reader;
      },
    };
  }

  protected writePort(topic: string): TopicPort {
    const queue: Message[] = [];
    this.waiting.set(topic, queue);
    return { idle: true, idle$: NEVER, write: ({ messages }) => void queue.push(...messages) };
  }

  /** Records of a topic that are in flight, or not acknowledged. */
  pending(topic: string): number {
    return (this.waiting.get(topic)?.length ?? 0) + this.unacked.filter((message) => message.topic === topic).length;
  }

  /** The log takes some of what waits. `twice`: a topic whose records it has a second time, as after a change of producers. */
  store(most: number, twice?: string): void {
    for (const [topic, queue] of this.waiting) {
      const sent = queue.splice(0, most);
      if (sent.length === 0) continue;
      for (const message of sent) Object.assign(message, { topic, offset: this.log.append(topic, message) });
      if (topic === twice) for (const message of sent) this.log.append(topic, message);
      this.unacked.push(...sent);
    }
  }

  ack(): void {
    if (this.isFrozen) return;
    for (const message of this.unacked.splice(0)) message.ack();
  }

  /** Of all topics, or of one. */
  deliver(most: number, topic?: string): void {
    if (this.isFrozen) return;
    for (const reader of [...this.readers]) {
      if (!reader.isClosed && (topic === undefined || topic === reader.topic)) reader.deliver(most);
    }
  }

  tick(milliseconds: number): void {
    if (this.isFrozen) this.missed += milliseconds;
    else this.clock.advance(milliseconds);
  }

  wake(): void {
    this.isFrozen = false;
    this.clock.advance(this.missed);
    this.missed = 0;
  }

  /** What waits is never stored. */
  protected dropWaiting(): void {
    for (const queue of this.waiting.values()) queue.splice(0);
  }
}
