import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { GroupStart, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ReadReport } from '../../telemetry/read-report.ts';
import type { Consumer } from './consumer.ts';
import type { GroupHandle } from './group-handle.ts';
import { type GroupTiming, SharedGroup, type SharedGroupOptions } from './shared-group.ts';
import { UnconfirmedBudget } from './unconfirmed-budget.ts';

export interface GroupsOptions {
  readonly log: Log;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Bytes that unconfirmed records of all groups may take together. */
  readonly maxHeld: number;
  /** Called for each batch before a consumer sees it. */
  readonly polled: (batch: Batch, group: string) => void;
  readonly report?: ReadReport;
  /** Called when no client here is in the group any more: clients make up names of groups, so nothing may remain of one. */
  readonly left?: (group: string) => void;
}

export interface GroupSubscription {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Where a partition starts that the group never committed. The first consumer decides: for one that joins later it has
   * no effect, nor for a partition that has an offset. To go elsewhere, `seek`.
   */
  readonly from: GroupStart;
  /** The first consumer decides, too. */
  readonly timing?: GroupTiming;
  readonly consumer: Consumer;
}

/** The groups that consumers of this gateway are in: one member each of a group and the topics it is subscribed to. */
export class Groups {
  private readonly options: GroupsOptions;
  private readonly budget: UnconfirmedBudget;
  private readonly groups = new Map<string, SharedGroup>();
  private readonly leaving = new Set<Promise<void>>();
  private isStopped = false;

  constructor(options: GroupsOptions) {
    this.options = options;
    this.budget = new UnconfirmedBudget(options.maxHeld);
  }

  /** For metrics and the admin side. */
  get all(): readonly SharedGroup[] {
    return [...this.groups.values()];
  }

  /** Bytes of unconfirmed records. */
  get heldBytes(): number {
    return this.budget.bytes;
  }

  /** How many members of groups this gateway has: one for each group and the topics of a subscription. */
  get size(): number {
    return this.groups.size;
  }

  /** Whether a consumer that joins with these topics shares a member that exists already. */
  has(group: string, topics: readonly string[]): boolean {
    return this.groups.has(keyOf(group, namesOf(topics)));
  }

  /** Joining goes on in the background: see `live` of the handle. Throws TG_STOPPING after `stop`. */
  join({ group, topics, from, timing = {}, consumer }: GroupSubscription): GroupHandle {
    if (this.isStopped) throw new TidegateError('TG_STOPPING', 'the gateway is stopping');
    const names = namesOf(topics);
    const key = keyOf(group, names);
    return (this.groups.get(key) ?? this.make(key, { group, topics: names, from, timing })).join(consumer);
  }

  /**
   * Leaves all groups, committed up to what is confirmed within so many milliseconds. Consumers should have left by then;
   * those that have not are treated as if they had. Never rejects.
   */
  async stop(timeout: number): Promise<void> {
    this.isStopped = true;
    for (const key of this.groups.keys()) this.end(key, timeout);
    await Promise.all(this.leaving);
  }

  private make(
    key: string,
    subscription: Pick<SharedGroupOptions, 'group' | 'topics' | 'from' | 'timing'>,
  ): SharedGroup {
    const { budget } = this;
    const shared = new SharedGroup({ ...this.options, budget, ...subscription, deserted: () => this.end(key, 0) });
    this.groups.set(key, shared);
    return shared;
  }

  private end(key: string, timeout: number): void {
    const shared = this.groups.get(key);
    if (shared === undefined) return;
    const { group } = shared;
    const leave = shared.drain(timeout);
    this.groups.delete(key);
    this.leaving.add(leave);
    void leave.then(() => {
      this.leaving.delete(leave);
      if (!this.all.some((other) => other.group === group)) this.options.left?.(group);
    });
  }
}

/** Each once, in one order: subscriptions to the same topics share a member. */
function namesOf(topics: readonly string[]): string[] {
  return [...new Set(topics)].sort();
}

function keyOf(group: string, names: readonly string[]): string {
  return JSON.stringify([group, names]);
}
