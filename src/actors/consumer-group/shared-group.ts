import type { Subscription } from 'rxjs';
import { createActor } from 'xstate';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, GroupStart, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ReadReport } from '../../telemetry/read-report.ts';
import { startActor, tell } from '../lifecycle.ts';
import type { Consumer } from './consumer.ts';
import { Dispatch } from './dispatch.ts';
import { GroupHandle } from './group-handle.ts';
import { type ConsumerGroupActor, consumerGroupMachine } from './machine.ts';
import { MemberWatch } from './member-watch.ts';
import type { UnconfirmedBudget } from './unconfirmed-budget.ts';

/** Milliseconds that a group outlives its last consumer: a client that comes back causes no rebalance. */
const LINGER = 1_000;
/** Before a member that broke is replaced by a new one, in milliseconds. */
const REJOIN_PAUSE = 1_000;

/** Milliseconds. */
export type GroupTiming = Pick<GroupOptions, 'sessionTimeout' | 'commitInterval'>;

export interface SharedGroupOptions {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: GroupStart;
  readonly timing: GroupTiming;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Shared with all other groups. */
  readonly budget: UnconfirmedBudget;
  /** Called for each batch before a consumer sees it. */
  readonly polled: (batch: Batch, group: string) => void;
  readonly report?: ReadReport | undefined;
  /** The last consumer left some time ago, and none has come since. */
  readonly deserted: () => void;
}

/** From joining the group of the log to leaving it. */
interface JoinedMember {
  readonly member: GroupMember;
  readonly following: readonly Subscription[];
}

/**
 * One member of a consumer group whose partitions are assigned to any number of consumers of this gateway. Only records
 * that a consumer has confirmed are acked, so only they are committed.
 */
export class SharedGroup {
  readonly group: string;
  readonly topics: readonly string[];
  readonly actor: ConsumerGroupActor;
  private readonly options: SharedGroupOptions;
  private readonly watch: MemberWatch;
  private readonly dispatch: Dispatch;
  private joined: JoinedMember | undefined;
  /** As the previous member knew them. */
  private topicIds: ReadonlyMap<string, string> = new Map();
  private liveness = liveness();
  private leaving: Promise<void> | undefined;
  private wentQuiet: () => void = () => {};
  private cancelLinger: (() => void) | undefined;
  private cancelRejoin: () => void = () => {};

  constructor(options: SharedGroupOptions) {
    const { group, topics, logger, budget, report } = options;
    this.options = options;
    this.group = group;
    this.topics = topics;
    this.actor = startActor(createActor(consumerGroupMachine), `consumer-group ${group}`, logger);
    this.watch = new MemberWatch(this.actor, { group, topics }, logger, report);
    this.dispatch = new Dispatch({
      driver: () => this.joined?.member,
      budget,
      logger: logger.child({ group }),
      deserted: () => this.linger(),
      quiet: () => this.wentQuiet(),
    });
    this.enter();
  }

  get live(): Promise<void> {
    return this.liveness.promise;
  }

  /** Consumers that are there now. */
  get size(): number {
    return this.dispatch.size;
  }

  /** Records that were given to a consumer after another had been given them. */
  get repeated(): number {
    return this.dispatch.repeated;
  }

  /** Records that are not confirmed yet, by topic and partition of what is ours: those behind the end and those held here. */
  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const unread = this.joined?.member.lag() ?? new Map<string, ReadonlyMap<number, number>>();
    const lag = new Map<string, Map<number, number>>();
    for (const [topic, partitions] of unread) {
      const all = [...partitions].map(([partition, count]) => {
        return [partition, count + this.dispatch.unconfirmed({ topic, partition })] as const;
      });
      lag.set(topic, new Map(all));
    }
    return lag;
  }

  join(consumer: Consumer): GroupHandle {
    if (this.leaving !== undefined) throw new TidegateError('TG_STOPPING', `the group ${this.group} is being left`);
    if (this.cancelLinger !== undefined) {
      this.cancelLinger();
      this.cancelLinger = undefined;
      tell(this.actor, { type: 'RESUME' });
    }
    this.dispatch.join(consumer);
    return new GroupHandle(consumer, this.dispatch, this.live);
  }

  /**
   * Delivers nothing any more, waits so many milliseconds for records in flight to be confirmed, commits and leaves.
   * What is not confirmed by then is not committed: the next consumer of the partition receives it again. Never rejects.
   */
  drain(timeout: number): Promise<void> {
    this.leaving ??= this.leaveGroup(timeout);
    return this.leaving;
  }

  /** Keeps the member for a while after its last consumer has left. */
  private linger(): void {
    if (this.leaving !== undefined) return;
    tell(this.actor, { type: 'PAUSE' });
    this.cancelLinger = this.options.clock.after(LINGER, this.options.deserted);
  }

  private async leaveGroup(timeout: number): Promise<void> {
    tell(this.actor, { type: 'DRAIN' });
    this.cancelLinger?.();
    this.cancelRejoin();
    this.liveness.reject(new TidegateError('TG_STOPPING', `the group ${this.group} is being left`));
    this.dispatch.hold();
    if (this.dispatch.inFlight > 0) await this.quiet(timeout);
    if (this.joined !== undefined) await this.exit(this.joined.member);
    for (const subscription of this.joined?.following ?? []) subscription.unsubscribe();
    this.dispatch.assign([], []);
    tell(this.actor, { type: 'LEFT' });
  }

  private quiet(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(timeout, resolve);
      this.wentQuiet = () => {
        cancel();
        resolve();
      };
    });
  }

  private enter(): void {
    const { log, group, topics, from, timing, report } = this.options;
    report?.opening(topics);
    const { topicIds } = this;
    const admit: GroupOptions['admit'] = (messages) => this.dispatch.admit(messages);
    const member = log.group({ group, topics, from, topicIds, ...timing, admit });
    const following = [
      ...this.watch.follow(member),
      member.events$.subscribe({ next: (event) => this.followed(event), error: () => {} }),
      member.gaps$.subscribe((gap) => this.skipped(gap)),
    ];
    this.joined = { member, following };
    const batches = member.batches$.subscribe({
      next: (batch) => {
        this.options.polled(batch, group);
        this.dispatch.enter(batch);
      },
      error: (error) => this.broke(error),
    });
    following.push(batches);
  }

  private followed(event: GroupEvent): void {
    if (event.type === 'assigned') {
      this.liveness.resolve();
      this.dispatch.assign(event.partitions, event.removed);
    } else if (event.type === 'failed') {
      // Consumers that wait get the error; those that come later may still succeed, as the driver goes on trying.
      this.liveness.reject(event.reason);
      if (!this.liveness.isLive) this.liveness = liveness();
    }
  }

  private skipped({ topic, partition, from, to, recreated }: Gap): void {
    if (recreated === true || to < from) this.dispatch.wentBack({ topic, partition }, to);
  }

  /** A flow that ended never comes back by itself. */
  private broke(error: unknown): void {
    const { joined } = this;
    if (joined === undefined || this.leaving !== undefined) return;
    this.watch.fail(asTidegateError(error, 'TG_GROUP_FAILED', `reading for the group ${this.group}`));
    this.joined = undefined;
    this.topicIds = joined.member.topicIds();
    this.dispatch.assign([], []);
    for (const subscription of joined.following) subscription.unsubscribe();
    void this.exit(joined.member);
    this.cancelRejoin = this.options.clock.after(REJOIN_PAUSE, () => this.enter());
  }

  private async exit(member: GroupMember): Promise<void> {
    try {
      await member.leave();
    } catch (error) {
      this.options.logger.warn({ group: this.group, error }, `the group ${this.group} could not be left in order`);
    }
  }
}

/** A promise that may be rejected while no code waits for it; settled twice, it keeps the first outcome. */
function liveness() {
  let settle: { resolve: () => void; reject: (reason: TidegateError) => void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {});
  const live = {
    promise,
    isLive: false,
    resolve() {
      live.isLive = true;
      settle?.resolve();
    },
    reject(reason: TidegateError) {
      settle?.reject(reason);
    },
  };
  return live;
}
