import { BehaviorSubject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
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
import type { Propagation } from '../../core/propagation.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { EmbeddedAdmin } from './admin.ts';
import { EmbeddedReader } from './fetch/reader.ts';
import { EmbeddedMember } from './group/group.ts';
import { EmbeddedLane } from './lane.ts';
import type { PartitionState } from './records/topic-state.ts';
import type { Storage } from './storage.ts';

export interface StorageLogParts {
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  /** How records say which trace they belong to; W3C where it is left out. */
  readonly propagation?: Propagation | undefined;
  /** Largest record in bytes where the topic does not say. */
  readonly maxRecord: number;
}

/** The log port on a storage whose users are all in this process. */
export class StorageLog implements Log {
  readonly driver: string;
  readonly admin: LogAdmin;
  private readonly storage: Storage;
  private readonly link = new BehaviorSubject<LinkState>({ state: 'connecting' });
  readonly link$ = this.link.asObservable();
  private readonly parts: StorageLogParts;
  /** With the names of their topics. */
  private readonly lanes = new Map<EmbeddedLane, string>();
  private readonly readers = new Set<EmbeddedReader>();
  private readonly members = new Set<EmbeddedMember>();
  private isOpen = false;

  constructor(driver: string, storage: Storage, parts: StorageLogParts) {
    this.driver = driver;
    this.storage = storage;
    this.parts = parts;
    this.admin = new EmbeddedAdmin(() => this.opened().reach(), parts.maxRecord, storage.coordinators);
  }

  async open(): Promise<void> {
    await this.storage.open();
    this.isOpen = true;
    this.link.next({ state: 'up' });
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const lane of this.lanes.keys()) lane.abandon();
    await Promise.all([...this.members].map((member) => member.leave()));
    await Promise.all([...this.readers].map((reader) => reader.close()));
    await this.storage.close();
    this.link.next({ state: 'down', reason: 'the log is closed' });
  }

  /** Ends as if the process had: nothing more is written, committed or heard of. */
  cut(): void {
    for (const lane of this.lanes.keys()) lane.cut();
    for (const member of [...this.members]) member.cut();
    for (const reader of [...this.readers]) reader.cut();
  }

  lane(topic: string, observer: LaneObserver): Lane {
    const lane = new EmbeddedLane(topic, observer, {
      ...this.parts,
      ...this.writing,
      store: () => this.opened().store(),
    });
    this.lanes.set(lane, topic);
    return lane;
  }

  forget(topic: string): void {
    for (const [lane, name] of this.lanes) if (name === topic) this.lanes.delete(lane);
  }

  reader(options: ReaderOptions): Reader {
    const closed = (one: EmbeddedReader) => this.readers.delete(one);
    const reader = new EmbeddedReader(options, { store: this.opened().store(), stats: this.parts.stats, closed });
    this.readers.add(reader);
    return reader;
  }

  group(options: GroupOptions): GroupMember {
    const store = this.opened().store();
    const { coordinators } = this.storage;
    const coordinator = coordinators.of(options.group);
    const left = (one: EmbeddedMember) => {
      this.members.delete(one);
      if (![...this.members].some(({ group }) => group === options.group)) coordinators.letGo(options.group);
    };
    const { propagation, maxRecord } = this.parts;
    const writing = { ...this.writing, propagation, maxRecord };
    const member = new EmbeddedMember(options, { ...this.parts, store, coordinator, left, writing });
    this.members.add(member);
    return member;
  }

  private opened(): Storage {
    if (this.isOpen) return this.storage;
    throw new TidegateError('TG_LOG_UNAVAILABLE', `the ${this.driver} log is not open`);
  }

  /** Whether the log can be reached has changed. */
  protected linked(state: LinkState): void {
    this.link.next(state);
  }

  private readonly writing = {
    grew: (partition: PartitionState): void => this.storage.grew(partition),
    wrote: (failure: TidegateError | null): void => {
      const isUp = this.link.value.state === 'up';
      if (failure === null && !isUp) this.link.next({ state: 'up' });
      if (failure !== null && isUp) this.link.next({ state: 'down', reason: failure.message });
    },
  };
}
