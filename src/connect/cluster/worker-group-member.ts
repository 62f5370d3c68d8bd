import type { Subscription } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupEvent, GroupMember, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Worker } from './config-records.ts';

/** Part of a session after which an owner that got no answer stops writing, before another gateway may begin. */
const LEASE = 2 / 3;
/** Milliseconds between checks of the lease; each write checks it, too. */
const CHECK_INTERVAL = 250;
/** Milliseconds before a member that failed is replaced by a new one. */
const REJOIN_PAUSE = 1_000;

export interface WorkerGroupOptions {
  readonly log: Pick<Log, 'group'>;
  readonly group: string;
  /** Topic whose partitions the group assigns. */
  readonly topic: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly me: Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Calls back once everything has been read that was written to the topic of configs before; never after the end. */
  readonly whenRead: (step: () => void) => void;
}

/** Gets what the group assigns. */
export interface AssignmentHandler {
  /** The group has assigned these partitions to this gateway. */
  assigned(partitions: ReadonlySet<number>): void;
  /** The state of the member is another one. */
  memberChanged(): void;
  /** Number of partitions that this gateway holds, and that may have been assigned to another one. */
  readonly heldCount: number;
}

/**
 * The member of this gateway in the group of workers that assigns the work, and the lease that comes with it: an owner that
 * the group has not answered for two thirds of a session stops writing. One that the group has dropped does not write
 * until it has a new assignment and has read what the others claimed.
 */
export class WorkerGroupMember {
  /** Of the current assignment; 0 before the first one. */
  generation = 0;
  /** Gateways that were in the group at that assignment, by id. */
  members: ReadonlySet<string> = new Set();
  /** Whether the assignment is known. */
  isSettled = false;
  /** Whether what we hold cannot have been assigned to another gateway. */
  isSure = false;
  private readonly options: WorkerGroupOptions;
  private readonly handler: AssignmentHandler;
  private member: GroupMember | undefined;
  private following: Subscription[] = [];
  /** Counts events of the group: only the last assignment is acted on. */
  private events = 0;
  private isOver = false;
  private wasAlive = false;
  private cancelCheck: () => void = () => {};
  private cancelRejoin: () => void = () => {};

  constructor(options: WorkerGroupOptions, handler: AssignmentHandler) {
    this.options = options;
    this.handler = handler;
  }

  start(): void {
    this.join();
    this.checkLease();
  }

  /** Whether what we hold is ours for sure: checked before each write. */
  get isAlive(): boolean {
    const { member, options } = this;
    return this.isSure && member !== undefined && member.silentFor() < options.sessionTimeout * LEASE;
  }

  /** Later assignments are ignored; `leave` follows. The lease goes on meanwhile. */
  retire(): void {
    this.isOver = true;
  }

  async leave(): Promise<void> {
    this.isOver = true;
    this.cancelCheck();
    this.cancelRejoin();
    await this.exit();
  }

  private join(): void {
    const { log, group, topic, sessionTimeout, me, logger } = this.options;
    const member = log.group({ group, topics: [topic], from: 'latest', sessionTimeout, label: me.id });
    this.member = member;
    this.following = [
      member.events$.subscribe({ next: (event) => this.follow(event), error: () => {} }),
      // The topic is empty; reading is what makes a member.
      member.batches$.subscribe({ next: (batch) => batch.ack(), error: (error) => this.failed(error) }),
    ];
    logger.debug({ group }, `joining the group ${group}, which assigns the connectors to gateways`);
  }

  private follow(event: GroupEvent): void {
    const number = ++this.events;
    switch (event.type) {
      case 'assigned':
        this.options.whenRead(() => {
          if (number === this.events) this.assigned(event);
        });
        return;
      case 'failed':
        this.options.logger.error(
          { code: event.reason.code },
          `connectors cannot be assigned to gateways, trying again: ${event.reason.message}`,
        );
        break;
      case 'joining':
        this.doubt();
        break;
    }
    this.isSettled = false;
    this.handler.memberChanged();
  }

  /** What we hold may be another gateway's, until there is a new assignment and all claims have been read. */
  private doubt(): void {
    const { heldCount } = this.handler;
    if (this.isSure && heldCount > 0)
      this.options.logger.warn(
        { partitions: heldCount },
        'the group that assigns the connectors has dropped this gateway because it was silent for too long; its tasks wait until it is known whether another gateway has taken over',
      );
    this.isSure = false;
  }

  private assigned({ generation, partitions, members }: Extract<GroupEvent, { type: 'assigned' }>): void {
    if (this.isOver) return;
    this.generation = generation;
    this.members = new Set(members);
    this.isSettled = true;
    this.isSure = true;
    this.handler.assigned(new Set(partitions.map(({ partition }) => partition)));
  }

  /** A flow that has ended never comes back by itself. */
  private failed(error: unknown): void {
    if (this.isOver) return;
    const { clock, logger } = this.options;
    const failure = asTidegateError(error, 'TG_GROUP_FAILED');
    logger.error(
      { code: failure.code },
      `connectors cannot be assigned to gateways, joining again: ${failure.message}`,
    );
    this.events += 1;
    this.isSettled = false;
    this.isSure = false;
    void this.exit();
    this.cancelRejoin = clock.after(REJOIN_PAUSE, () => this.join());
    this.handler.memberChanged();
  }

  private async exit(): Promise<void> {
    const { member } = this;
    this.member = undefined;
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    try {
      await member?.leave();
    } catch (error) {
      this.options.logger.warn({ error }, 'could not leave the group that assigns the connectors in an orderly way');
    }
  }

  private checkLease(): void {
    const { isAlive } = this;
    if (isAlive !== this.wasAlive) {
      this.wasAlive = isAlive;
      this.handler.memberChanged();
    }
    this.cancelCheck = this.options.clock.after(CHECK_INTERVAL, () => this.checkLease());
  }
}
