import type { Subscription } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupEvent, GroupMember, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Worker } from './config-records.ts';

/** Part of a session after which an owner that was not answered stops writing, before anybody else may begin. */
const LEASE = 2 / 3;
/** Between looks at the lease, in milliseconds; each write looks, too. */
const LOOK = 250;
/** Before a member that broke is replaced by a new one, in milliseconds. */
const REJOIN_PAUSE = 1_000;

export interface MembershipOptions {
  readonly log: Pick<Log, 'group'>;
  readonly group: string;
  /** Topic whose partitions are dealt. */
  readonly topic: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly me: Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the step once everything has been read that stood in the topic of configs before; never, at an end. */
  readonly whenRead: (step: () => void) => void;
  /** Something of what this tells is different now. */
  readonly changed: () => void;
}

/** What the group tells its member. */
export interface MembershipHandler {
  /** These partitions are ours by the deal that counts now. */
  dealt(partitions: ReadonlySet<number>): void;
  /** How many partitions it has, which somebody else may be dealt. */
  readonly holding: number;
}

/**
 * Our place in the group that deals the work, and the lease that comes with it: an owner that the group has not answered for
 * two thirds of a session stops writing, and one that it has dropped is sure of nothing until it was dealt to again and has
 * read what the others claimed.
 */
export class Membership {
  /** Of the deal that counts; 0 before the first one. */
  generation = 0;
  /** Gateways that were there at that deal, by id. */
  members: ReadonlySet<string> = new Set();
  /** Whether it is known who is to have what. */
  isSettled = false;
  /** Whether nobody can have been dealt what we hold. */
  isSure = false;
  private readonly options: MembershipOptions;
  private readonly handler: MembershipHandler;
  private member: GroupMember | undefined;
  private following: Subscription[] = [];
  /** Counts what the group tells: only the last deal is acted on. */
  private news = 0;
  private isOver = false;
  private wasAlive = false;
  private cancelLook: () => void = () => {};
  private cancelRejoin: () => void = () => {};

  constructor(options: MembershipOptions, handler: MembershipHandler) {
    this.options = options;
    this.handler = handler;
  }

  start(): void {
    this.join();
    this.look();
  }

  /** Whether what we hold is ours for sure: looked up before each write. */
  get isAlive(): boolean {
    const { clock, sessionTimeout } = this.options;
    return this.isSure && this.member !== undefined && clock.now() - this.member.lastSeen() < sessionTimeout * LEASE;
  }

  /** What is dealt from now on counts for nothing; `leave` follows. The lease goes on meanwhile. */
  retire(): void {
    this.isOver = true;
  }

  async leave(): Promise<void> {
    this.isOver = true;
    this.cancelLook();
    this.cancelRejoin();
    await this.exit();
  }

  private join(): void {
    const { log, group, topic, sessionTimeout, me, logger } = this.options;
    const member = log.group({ group, topics: [topic], from: 'latest', sessionTimeout, label: me.id });
    this.member = member;
    this.following = [
      member.events$.subscribe({ next: (event) => this.follow(event), error: () => {} }),
      // There is nothing in it; reading is what makes a member.
      member.batches$.subscribe({ next: (batch) => batch.ack(), error: (error) => this.broke(error) }),
    ];
    logger.debug({ group }, `joining the group ${group}, which deals the connectors`);
  }

  private follow(event: GroupEvent): void {
    const news = ++this.news;
    switch (event.type) {
      case 'assigned':
        this.options.whenRead(() => {
          if (news === this.news) this.dealt(event);
        });
        return;
      case 'failed':
        this.options.logger.error(
          { code: event.reason.code },
          `connectors cannot be dealt out, trying again: ${event.reason.message}`,
        );
        break;
      case 'joining':
        this.doubt();
        break;
    }
    this.isSettled = false;
    this.options.changed();
  }

  /** Whether what we hold is still ours is known once the group has dealt again and all claims have been read. */
  private doubt(): void {
    const { holding } = this.handler;
    if (this.isSure && holding > 0)
      this.options.logger.warn(
        { partitions: holding },
        'the group that deals the connectors has dropped this gateway, as it was silent for too long; what it ran waits until it is known whether another has taken over',
      );
    this.isSure = false;
  }

  private dealt({ generation, partitions, members }: Extract<GroupEvent, { type: 'assigned' }>): void {
    if (this.isOver) return;
    this.generation = generation;
    this.members = new Set(members);
    this.isSettled = true;
    this.isSure = true;
    this.handler.dealt(new Set(partitions.map(({ partition }) => partition)));
  }

  /** A flow that ended never comes back by itself. */
  private broke(error: unknown): void {
    if (this.isOver) return;
    const { clock, logger, changed } = this.options;
    const failure = asTidegateError(error, 'TG_GROUP_FAILED');
    logger.error({ code: failure.code }, `connectors cannot be dealt out, joining again: ${failure.message}`);
    this.news += 1;
    this.isSettled = false;
    this.isSure = false;
    void this.exit();
    this.cancelRejoin = clock.after(REJOIN_PAUSE, () => this.join());
    changed();
  }

  private async exit(): Promise<void> {
    const { member } = this;
    this.member = undefined;
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    try {
      await member?.leave();
    } catch (error) {
      this.options.logger.warn({ error }, 'the group that deals the connectors could not be left in order');
    }
  }

  private look(): void {
    const { isAlive } = this;
    if (isAlive !== this.wasAlive) {
      this.wasAlive = isAlive;
      this.options.changed();
    }
    this.cancelLook = this.options.clock.after(LOOK, () => this.look());
  }
}
