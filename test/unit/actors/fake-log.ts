import { BehaviorSubject, Subject } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type {
  Checkpoint,
  Gap,
  GroupEvent,
  GroupMember,
  GroupOptions,
  Lane,
  LaneObserver,
  LinkState,
  Log,
  LogAdmin,
  Reader,
  ReaderOptions,
  Refusal,
  TopicDescription,
  TopicPartition,
  TopicSpec,
} from '../../../src/core/log.ts';
import type { Message } from '../../../src/core/message.ts';

/** A lane whose sends end when the test says so. */
export class FakeLane implements Lane {
  readonly sends: string[][] = [];
  isAbandoned = false;
  readonly observer: LaneObserver;
  private pending: { resolve: (refusals: readonly Refusal[]) => void; reject: (error: unknown) => void } | undefined;

  constructor(observer: LaneObserver) {
    this.observer = observer;
  }

  get isBusy(): boolean {
    return this.pending !== undefined;
  }

  send(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.pending !== undefined) throw new Error('a lane has one send outstanding');
    this.sends.push(messages.map(({ text }) => text));
    return new Promise((resolve, reject) => {
      this.pending = { resolve, reject };
    });
  }

  abandon(): void {
    this.isAbandoned = true;
    this.end()?.reject(new TidegateError('TG_LOG_UNAVAILABLE', 'given up'));
  }

  /** The log has all of the pending send, but for those. */
  stores(...refusals: Refusal[]): void {
    this.end()?.resolve(refusals);
  }

  private end() {
    const { pending } = this;
    this.pending = undefined;
    return pending;
  }
}

export class FakeReader implements Reader {
  readonly batches$ = new Subject<Batch>();
  readonly gaps$ = new Subject<Gap>();
  readonly live: Promise<void>;
  readonly orders: string[] = [];
  readonly options: ReaderOptions;
  at: Record<string, Record<number, number>> = {};
  goLive: () => void = () => {};
  failLive: (error: unknown) => void = () => {};

  constructor(options: ReaderOptions) {
    this.options = options;
    this.live = new Promise((resolve, reject) => {
      this.goLive = resolve;
      this.failLive = reject;
    });
  }

  pause(): void {
    this.orders.push('pause');
  }

  resume(): void {
    this.orders.push('resume');
  }

  leave({ topic, partition }: TopicPartition): void {
    this.orders.push(`leave ${topic}/${partition}`);
  }

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const numbers = (partitions: Record<number, number>) =>
      new Map(Object.entries(partitions).map(([partition, offset]) => [Number(partition), offset]));
    return new Map(Object.entries(this.at).map(([topic, partitions]) => [topic, numbers(partitions)]));
  }

  checkpoint(): Checkpoint {
    return new Map([...this.positions()].map(([topic, offsets]) => [topic, { id: 'id', offsets }]));
  }

  async close(): Promise<void> {
    this.orders.push('close');
  }
}

export class FakeMember implements GroupMember {
  readonly batches$ = new Subject<Batch>();
  readonly events$ = new Subject<GroupEvent>();
  readonly gaps$ = new Subject<Gap>();
  readonly orders: string[] = [];
  readonly options: GroupOptions;

  constructor(options: GroupOptions) {
    this.options = options;
  }

  subscribe(topics: readonly string[], later: readonly string[]): void {
    this.orders.push(`subscribe ${topics.join()} later ${later.join()}`);
  }

  pause(): void {
    this.orders.push('pause');
  }

  resume(): void {
    this.orders.push('resume');
  }

  seek(): void {}

  write(topic: string, messages: readonly Message[]): void {
    this.orders.push(`write ${topic}`);
    for (const message of messages) message.ack();
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return new Map();
  }

  sinceEnd(): number | undefined {
    return undefined;
  }

  silentFor(): number {
    return 0;
  }

  topicIds(): ReadonlyMap<string, string> {
    return new Map(this.options.topics.map((topic) => [topic, 'id']));
  }

  async commit(): Promise<void> {}

  async leave(): Promise<void> {
    this.orders.push('leave');
    this.events$.next({ type: 'left' });
  }
}

/** A log that does nothing by itself. */
export class FakeLog implements Log {
  readonly driver = 'fake';
  readonly link$ = new BehaviorSubject<LinkState>({ state: 'connecting' });
  readonly lanes = new Map<string, FakeLane>();
  readonly readers: FakeReader[] = [];
  readonly members: FakeMember[] = [];
  readonly orders: string[] = [];
  readonly topics = new Map<string, TopicDescription>();
  /** What the admin side fails with, while it does. */
  trouble: TidegateError | undefined;

  readonly admin: LogAdmin = {
    topics: async () => new Map([...this.topics.keys()].map((name) => [name, 1])),
    describe: async (topic) => {
      if (this.trouble !== undefined) throw this.trouble;
      return this.topics.get(topic);
    },
    create: async (topic: TopicSpec) => {
      this.orders.push(`create ${topic.name}`);
      this.topics.set(topic.name, { name: topic.name, partitions: topic.partitions ?? 1, maxMessageBytes: 1_000_000 });
      return true;
    },
    delete: async () => {},
    addPartitions: async () => {},
    offsets: async () => [],
    committed: async () => new Map(),
    setCommitted: async () => {},
    deleteGroup: async () => {},
    clusterId: async () => 'fake',
  };

  async open(): Promise<void> {
    this.orders.push('open');
  }

  async close(): Promise<void> {
    this.orders.push('close');
  }

  lane(topic: string, observer: LaneObserver): FakeLane {
    const lane = new FakeLane(observer);
    this.lanes.set(topic, lane);
    return lane;
  }

  forget(): void {}

  reader(options: ReaderOptions): FakeReader {
    const reader = new FakeReader(options);
    this.readers.push(reader);
    return reader;
  }

  group(options: GroupOptions): FakeMember {
    const member = new FakeMember(options);
    this.members.push(member);
    return member;
  }
}
