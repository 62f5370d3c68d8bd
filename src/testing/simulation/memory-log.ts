import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import type {
  GroupMember,
  GroupOptions,
  Lane,
  LaneObserver,
  LinkState,
  Log,
  LogAdmin,
  Reader,
  ReaderOptions,
} from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { createStats } from '../../telemetry/stats.ts';
import { Coordinators } from '../../transports/embedded/group/coordinators.ts';
import { decodeBatch } from '../../transports/embedded/records/batch-reading.ts';
import { compact } from '../../transports/embedded/records/compaction.ts';
import type { Append } from '../../transports/embedded/records/records.ts';
import { applyRetention } from '../../transports/embedded/records/retention.ts';
import { appendsOf, missingTopic, place, Sharing } from '../../transports/embedded/records/shares.ts';
import { Store } from '../../transports/embedded/records/store.ts';
import { embeddedSchema } from '../../transports/embedded/schema.ts';
import type { Storage } from '../../transports/embedded/storage.ts';
import { StorageLog, type StorageLogParts } from '../../transports/embedded/storage-log.ts';
import { LogFaults, linkIsDown } from './faults.ts';
import { MemoryRecords } from './memory-records.ts';
import { MemoryTables } from './memory-tables.ts';
import { NO_LOGGER } from './no-logger.ts';
import { TestClock } from './test-clock.ts';

const SETTINGS = embeddedSchema.parse({});

export interface MemoryLogOptions {
  /** What waits goes by it; a `TestClock` of its own if left out. */
  readonly clock?: Clock;
}

/** `stored`: the records, as a reader gets them; `sent`: the messages that they were made from, one each. */
export type StoredWatcher = (topic: string, stored: readonly Message[], sent: readonly Message[]) => void;

/**
 * A log in memory for tests: topics, groups, committed offsets and transactions, as the log of Kafka has them, without any I/O.
 * What is in it outlasts `close`: it is as a cluster of brokers, and each gateway has a connection of its own (`connect`). As a
 * `Log` it is the first of these connections. Keys go to partitions as Kafka's own client sends them, records without a key to
 * one partition after the other. Records stay for good unless `maintain` is called.
 */
export class MemoryLog implements Log {
  readonly driver = 'memory';
  /** What goes wrong. */
  readonly faults: LogFaults;
  readonly clock: Clock;
  private readonly records: MemoryRecords;
  private readonly store: Store;
  private readonly storage: Storage;
  private readonly connections = new Set<MemoryConnection>();
  private readonly own: MemoryConnection;
  private readonly moves = new Set<() => void>();
  private readonly watchers = new Set<StoredWatcher>();
  private readonly sharing = new Sharing({ maxRecord: SETTINGS.max_record });

  constructor({ clock = new TestClock() }: MemoryLogOptions = {}) {
    this.clock = clock;
    this.faults = new LogFaults((isUp) => this.linked(isUp));
    const tables = new MemoryTables(() => {
      this.moved();
      this.reach();
    });
    this.records = new MemoryRecords(tables, {
      faults: this.faults,
      clock,
      stored: (appends, bases) => {
        for (const [at, append] of appends.entries()) this.show(append, bases[at] ?? 0);
      },
      moved: () => this.moved(),
    });
    this.store = new Store(tables, this.records);
    this.storage = {
      coordinators: new Coordinators(() => this.store, createStats()),
      open: async () => {},
      close: async () => {},
      store: () => this.store,
      reach: () => this.reach(),
      grew: () => {},
    };
    this.own = this.connect({ logger: NO_LOGGER, stats: createStats(), clock });
  }

  get link$() {
    return this.own.link$;
  }

  get admin(): LogAdmin {
    return this.own.admin;
  }

  /**
   * Calls back with records that gateways have stored, in the order of each partition, and calls `moved` whenever something is
   * read or written; the returned function ends both.
   */
  watch(watcher: StoredWatcher, moved: () => void = () => {}): () => void {
    this.watchers.add(watcher);
    this.moves.add(moved);
    return () => {
      this.watchers.delete(watcher);
      this.moves.delete(moved);
    };
  }

  /** The connection of one gateway, which ends without the others. */
  connect(parts: MemoryConnectionParts): MemoryConnection {
    const connection = new MemoryConnection(this.storage, { ...parts, maxRecord: SETTINGS.max_record }, () =>
      this.connections.delete(connection),
    );
    this.connections.add(connection);
    return connection;
  }

  open(): Promise<void> {
    return this.own.open();
  }

  close(): Promise<void> {
    return this.own.close();
  }

  lane(topic: string, observer: LaneObserver): Lane {
    return this.own.lane(topic, observer);
  }

  forget(topic: string): void {
    this.own.forget(topic);
  }

  reader(options: ReaderOptions): Reader {
    return this.own.reader(options);
  }

  group(options: GroupOptions): GroupMember {
    return this.own.group(options);
  }

  /**
   * Stores messages as another producer would; no fault meets them. Sets the place of each. Rejects with TG_TOPIC_MISSING, and
   * with what the topic has against the first message that it does not take: nothing is stored then.
   */
  async append(topic: string, messages: readonly Message[]): Promise<void> {
    const state = this.store.topics.get(topic);
    if (state === undefined) throw missingTopic(topic);
    const refusals: TidegateError[] = [];
    const shares = this.sharing.share(state, messages, this.clock.now(), (_, failure) => refusals.push(failure));
    const [refusal] = refusals;
    if (refusal !== undefined) throw refusal;
    const appends = appendsOf(state, shares);
    const bases = await this.records.feed(appends);
    for (const [at, share] of [...shares.values()].entries()) {
      const append = appends[at];
      if (append !== undefined) place(share, topic, append.partition.index, bases[at] ?? 0);
    }
  }

  /** Drops what the topics' retention gives up by now, and what newer records of the same keys have replaced. */
  async maintain(): Promise<void> {
    for (const { partitions } of this.store.topics.values()) {
      for (const partition of partitions) {
        await compact(this.records, partition, this.clock.now(), true);
        await applyRetention(this.records, partition, SETTINGS, this.clock.now());
      }
    }
  }

  private moved(): void {
    for (const moved of this.moves) moved();
  }

  private show(append: Append, base: number): void {
    if (this.watchers.size === 0) return;
    const messages = messagesOf(append, base);
    for (const watcher of this.watchers) watcher(append.partition.topic.name, messages, append.messages ?? messages);
  }

  private reach(): Store {
    if (!this.faults.isUp) throw linkIsDown();
    return this.store;
  }

  private linked(isUp: boolean): void {
    for (const connection of this.connections) connection.isReached(isUp);
    if (!isUp) return;
    for (const { partitions } of this.store.topics.values())
      for (const { watchers } of partitions) for (const watcher of watchers) watcher();
  }
}

export type MemoryConnectionParts = Omit<StorageLogParts, 'maxRecord'>;

/** The log as one gateway has it. */
export class MemoryConnection extends StorageLog {
  private readonly ended: () => void;

  constructor(storage: Storage, parts: StorageLogParts, ended: () => void) {
    super('memory', storage, parts);
    this.ended = ended;
  }

  /** Whether the log can be reached. */
  isReached(isUp: boolean): void {
    this.linked(isUp ? { state: 'up' } : ({ state: 'down', reason: linkIsDown().message } satisfies LinkState));
  }

  /** The gateway ended without a word: what it had not committed is not known, and it writes and hears nothing any more. */
  override cut(): void {
    super.cut();
    this.ended();
  }
}

function messagesOf({ partition, batches }: Append, base: number): Message[] {
  const messages: Message[] = [];
  const place = { topic: partition.topic.name, partition: partition.index, from: 0 };
  let baseOffset = base;
  for (const { value } of batches)
    baseOffset = decodeBatch(value, { ...place, baseOffset }, messages, Number.POSITIVE_INFINITY);
  return messages;
}
