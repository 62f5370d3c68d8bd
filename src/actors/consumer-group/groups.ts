import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { GroupStart, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Holdings } from './holdings.ts';
import type { Consumer, GroupSeat } from './port.ts';
import { type GroupTiming, SharedGroup, type SharedGroupOptions } from './shared-group.ts';

export interface GroupsOptions {
  readonly log: Log;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Bytes that records may take which nobody has confirmed yet, of all groups together. */
  readonly maxHeld: number;
  /** Told of each batch before a consumer sees it. */
  readonly polled: (batch: Batch, group: string) => void;
  /** Told when nobody here is in the group any more: clients make up the names of groups, so nothing of one may stay. */
  readonly left?: (group: string) => void;
}

export interface GroupSubscription {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Where a partition starts that the group never committed. It is that of the first consumer: for who joins what runs
   * already it says nothing, nor for a partition that has an offset. To go elsewhere, `seek`.
   */
  readonly from: GroupStart;
  /** Of the first consumer, too. */
  readonly timing?: GroupTiming;
  readonly consumer: Consumer;
}

/** The groups that consumers of this gateway are in: one member each of a group and the topics it is subscribed to. */
export class Groups {
  private readonly options: GroupsOptions;
  private readonly holdings: Holdings;
  private readonly groups = new Map<string, SharedGroup>();
  private readonly departures = new Set<Promise<void>>();
  private isStopped = false;

  constructor(options: GroupsOptions) {
    this.options = options;
    this.holdings = new Holdings(options.maxHeld);
  }

  /** For figures and the admin side. */
  get all(): readonly SharedGroup[] {
    return [...this.groups.values()];
  }

  /** Bytes of records that nobody has confirmed yet. */
  get heldBytes(): number {
    return this.holdings.bytes;
  }

  /** Joining goes on in the background: see `live` of the seat. Throws TG_STOPPING after `stop`. */
  join({ group, topics, from, timing = {}, consumer }: GroupSubscription): GroupSeat {
    if (this.isStopped) throw new TidegateError('TG_STOPPING', 'the gateway is stopping');
    const names = [...new Set(topics)].sort();
    const key = JSON.stringify([group, names]);
    return (this.groups.get(key) ?? this.make(key, { group, topics: names, from, timing })).join(consumer);
  }

  /**
   * Leaves all groups, committed up to what is confirmed within so many milliseconds. Consumers are to be gone by then;
   * for those that are not it is as if they had left. Never rejects.
   */
  async stop(patience: number): Promise<void> {
    this.isStopped = true;
    for (const key of this.groups.keys()) this.end(key, patience);
    await Promise.all(this.departures);
  }

  private make(
    key: string,
    subscription: Pick<SharedGroupOptions, 'group' | 'topics' | 'from' | 'timing'>,
  ): SharedGroup {
    const { holdings } = this;
    const shared = new SharedGroup({ ...this.options, holdings, ...subscription, deserted: () => this.end(key, 0) });
    this.groups.set(key, shared);
    return shared;
  }

  private end(key: string, patience: number): void {
    const shared = this.groups.get(key);
    if (shared === undefined) return;
    const { group } = shared;
    const departure = shared.drain(patience);
    this.groups.delete(key);
    this.departures.add(departure);
    void departure.then(() => {
      this.departures.delete(departure);
      if (!this.all.some((other) => other.group === group)) this.options.left?.(group);
    });
  }
}
