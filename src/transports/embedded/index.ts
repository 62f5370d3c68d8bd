import { BehaviorSubject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
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
import { makeReadable } from './before-opening.ts';
import { Coordinators } from './coordinators.ts';
import { type DataDirectory, openDirectory, temporaryDirectory } from './directory.ts';
import { requireSpace } from './disk-space.ts';
import { EmbeddedMember } from './group.ts';
import { EmbeddedLane } from './lane.ts';
import { mark } from './log-marker.ts';
import { Maintenance } from './maintenance.ts';
import { EmbeddedReader } from './reader.ts';
import { type EmbeddedSettings, embeddedSchema } from './schema.ts';
import { Store } from './store.ts';
import type { PartitionState } from './topic-state.ts';

export interface EmbeddedLogOptions extends Partial<EmbeddedSettings> {
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  /** How records say which trace they belong to; W3C where it is left out. */
  readonly propagation?: Propagation | undefined;
}

/** A log of the gateway's own: in `path`, or in memory where that is left out or `memory` is true. */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new EmbeddedLog(options);
}

/** The log port on LMDB: topics of this process alone, on disk or in memory. */
class EmbeddedLog implements Log {
  readonly driver = 'embedded';
  readonly admin: LogAdmin;
  private readonly link = new BehaviorSubject<LinkState>({ state: 'connecting' });
  readonly link$ = this.link.asObservable();
  private readonly options: EmbeddedLogOptions;
  private readonly settings: EmbeddedSettings;
  /** With the names of their topics. */
  private readonly lanes = new Map<Lane, string>();
  private readonly readers = new Set<EmbeddedReader>();
  private readonly members = new Set<EmbeddedMember>();
  private readonly coordinators: Coordinators;
  private maintenance: Maintenance | undefined;
  private directory: DataDirectory | undefined;
  private opened: Store | undefined;

  constructor(options: EmbeddedLogOptions) {
    this.options = options;
    const { path, memory = path === undefined, retention_bytes, retention_time, max_record } = options;
    const given = { memory, path, retention_bytes, retention_time, max_record };
    const defaults = embeddedSchema.parse({});
    this.settings = { ...defaults, ...withoutUndefined(given) };
    this.coordinators = new Coordinators(this.store, options.stats);
    this.admin = new EmbeddedAdmin(this.store, this.settings.max_record, this.coordinators);
  }

  async open(): Promise<void> {
    const { memory, path } = this.settings;
    this.directory = memory ? await temporaryDirectory() : await openDirectory(path);
    try {
      requireSpace(this.directory.path);
      if (!memory) makeReadable(this.directory.path, this.options.logger);
      this.opened = new Store(this.directory.path, !memory, this.options.propagation);
      if (!memory) mark(this.directory.path);
      await this.opened.removeOrphans();
    } catch (error) {
      await this.directory.release();
      throw asTidegateError(error, 'TG_DATA_DIR_UNUSABLE', `the log in ${this.directory.path} cannot be opened`);
    }
    this.maintenance = new Maintenance(this.opened, { ...this.options, ...this.settings });
    this.link.next({ state: 'up' });
  }

  async close(): Promise<void> {
    const { opened, directory } = this;
    if (opened === undefined) return;
    for (const lane of this.lanes.keys()) lane.abandon();
    await Promise.all([...this.members].map((member) => member.leave()));
    await Promise.all([...this.readers].map((reader) => reader.close()));
    await this.maintenance?.stop();
    this.opened = undefined;
    this.coordinators.clear();
    await opened.close();
    await directory?.release();
    this.link.next({ state: 'down', reason: 'the log is closed' });
  }

  lane(topic: string, observer: LaneObserver): Lane {
    const { stats, clock, propagation } = this.options;
    const { store, wrote, settings } = this;
    const grew = (partition: PartitionState) => this.maintenance?.grew(partition);
    const parts = { store, stats, clock, propagation, wrote, grew, maxRecord: settings.max_record };
    const lane = new EmbeddedLane(topic, observer, parts);
    this.lanes.set(lane, topic);
    return lane;
  }

  forget(topic: string): void {
    for (const [lane, name] of this.lanes) if (name === topic) this.lanes.delete(lane);
  }

  reader(options: ReaderOptions): Reader {
    const closed = (one: EmbeddedReader) => this.readers.delete(one);
    const reader = new EmbeddedReader(options, { store: this.store(), stats: this.options.stats, closed });
    this.readers.add(reader);
    return reader;
  }

  group(options: GroupOptions): GroupMember {
    const { logger, stats, clock } = this.options;
    const store = this.store();
    const coordinator = this.coordinators.of(options.group);
    const left = (one: EmbeddedMember) => {
      this.members.delete(one);
      if (![...this.members].some(({ group }) => group === options.group)) this.coordinators.letGo(options.group);
    };
    const { propagation } = this.options;
    const grew = (partition: PartitionState) => this.maintenance?.grew(partition);
    const writing = { propagation, grew, wrote: this.wrote, maxRecord: this.settings.max_record };
    const member = new EmbeddedMember(options, { store, coordinator, logger, stats, clock, left, writing });
    this.members.add(member);
    return member;
  }

  /** Runs retention and compaction now, whatever their own pace would be. */
  async maintain(): Promise<void> {
    await this.maintenance?.run(true);
  }

  private readonly store = (): Store => {
    if (this.opened !== undefined) return this.opened;
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'the embedded log is not open');
  };

  private readonly wrote = (failure: TidegateError | null): void => {
    const isUp = this.link.value.state === 'up';
    if (failure === null && !isUp) this.link.next({ state: 'up' });
    if (failure !== null && isUp) this.link.next({ state: 'down', reason: failure.message });
  };
}

export type { EmbeddedLog };

function withoutUndefined<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
