import type { Subscription } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupEvent, GroupMember, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Worker } from './config-records.ts';
import type { Claim } from './config-table.ts';

/** Part of a session after which an owner that was not answered stops writing, before anybody else may begin. */
const LEASE = 2 / 3;
/** Between looks at the lease, in milliseconds; each write looks, too. */
const LOOK = 250;
/** Before a member that broke is replaced by a new one, in milliseconds. */
const REJOIN_PAUSE = 1_000;

export interface OwnershipOptions {
  readonly log: Pick<Log, 'group'>;
  readonly group: string;
  /** Topic whose partitions are dealt. */
  readonly topic: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly me: Worker;
  /** As the topic of configs has them. */
  readonly claims: ReadonlyMap<number, Claim>;
  /** Claims partitions for us, or releases them, in the topic of configs. */
  readonly write: (
    partitions: readonly number[],
    claim: { readonly generation: number; readonly isReleased: boolean },
  ) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the step once everything has been read that stood in the topic of configs before; never, at an end. */
  readonly whenRead: (step: () => void) => void;
  /** Something of what this tells is different now. */
  readonly changed: () => void;
}

/** How a partition that was dealt to us stands. */
type Hold =
  /** The one before may still be at work: until its release, or one session timeout. */
  | { readonly type: 'waiting'; readonly cancel: () => void }
  /** Our claim is on its way. */
  | { readonly type: 'claiming' }
  | { readonly type: 'held'; readonly epoch: number }
  /** It was dealt to another, who waits for our release. */
  | { readonly type: 'leaving'; readonly epoch: number };

/**
 * Which partitions of the work are ours. The group deals them; a claim in the topic of configs makes them ours, and its
 * offset is the epoch under which we write. The one before is never joined: a new owner waits for its release record, or
 * for one session timeout where it still is a member, and an owner that the group has not answered for two thirds of a
 * session stops writing. One that the group has dropped is sure of nothing until it has read what the others claimed.
 */
export class Ownership {
  private readonly options: OwnershipOptions;
  private readonly holds = new Map<number, Hold>();
  private member: GroupMember | undefined;
  private following: Subscription[] = [];
  private generation = 0;
  private members: ReadonlySet<string> = new Set();
  private isSettled = false;
  /** Whether nobody can have been dealt what we hold. */
  private isSure = false;
  /** Counts what the group tells: only the last deal is acted on. */
  private news = 0;
  private isLeft = false;
  private wasAlive = false;
  private cancelLook: () => void = () => {};
  private cancelRejoin: () => void = () => {};

  constructor(options: OwnershipOptions) {
    this.options = options;
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

  /** Whether we were dealt our first share, and hold what of it is free. */
  get hasBegun(): boolean {
    return this.generation > 0 && ![...this.holds.values()].some(({ type }) => type === 'claiming');
  }

  /** Whether it is open who is to have what. */
  get isRebalancing(): boolean {
    return !this.isSettled;
  }

  /** The claim by which a partition is ours, also while it is about to be given up; undefined where it is not. */
  epochOf(partition: number): number | undefined {
    const hold = this.holds.get(partition);
    return hold?.type === 'held' || hold?.type === 'leaving' ? hold.epoch : undefined;
  }

  /** Whether what belongs to a partition is to run here. */
  isOurs(partition: number): boolean {
    return this.holds.get(partition)?.type === 'held';
  }

  /** Who has a partition now, where that is a gateway that is there. */
  ownerOf(partition: number): Worker | undefined {
    const claim = this.options.claims.get(partition);
    return claim !== undefined && !claim.isReleased && this.isMember(claim.worker.id) ? claim.worker : undefined;
  }

  /** Whether a gateway was one of the group when it dealt last. */
  isMember(worker: string): boolean {
    return this.members.has(worker);
  }

  /** Partitions that are to be given up as soon as nothing runs for them any more. */
  get leaving(): number[] {
    return [...this.holds].flatMap(([partition, { type }]) => (type === 'leaving' ? [partition] : []));
  }

  /** Nothing runs for these partitions any more: the next one may begin. */
  letGo(partitions: readonly number[]): void {
    const gone = partitions.filter((partition) => this.holds.get(partition)?.type === 'leaving');
    for (const partition of gone) this.holds.delete(partition);
    if (gone.length > 0) this.options.write(gone, { generation: this.generation, isReleased: true });
  }

  /** Everything is to be given up; `leave` follows when it has been. */
  giveUpAll(): void {
    this.isLeft = true;
    for (const partition of this.holds.keys()) this.giveUp(partition);
    this.options.changed();
  }

  async leave(): Promise<void> {
    this.isLeft = true;
    this.cancelLook();
    this.cancelRejoin();
    for (const hold of this.holds.values()) if (hold.type === 'waiting') hold.cancel();
    this.holds.clear();
    await this.exit();
  }

  /** A claim was read in the topic of configs. */
  claimed(partition: number): void {
    const claim = this.options.claims.get(partition);
    const hold = this.holds.get(partition);
    if (claim === undefined) return;
    if (claim.worker.id === this.options.me.id) this.ownClaim(partition, claim, hold);
    else if (hold !== undefined) this.foreignClaim(partition, claim, hold);
  }

  private ownClaim(partition: number, claim: Claim, hold: Hold | undefined): void {
    if (claim.isReleased) return;
    if (hold?.type === 'claiming' || hold?.type === 'held' || hold?.type === 'leaving') {
      // Of several claims the last one counts.
      this.holds.set(partition, { type: hold.type === 'leaving' ? 'leaving' : 'held', epoch: claim.epoch });
      this.options.changed();
    } else if (hold === undefined || hold.type === 'waiting') {
      // It was dealt to another while our claim was on its way.
      this.options.write([partition], { generation: this.generation, isReleased: true });
    }
  }

  private foreignClaim(partition: number, claim: Claim, hold: Hold): void {
    if (hold.type === 'waiting') {
      if (claim.isReleased) this.claim([partition]);
      return;
    }
    if (claim.isReleased) return;
    const { logger } = this.options;
    const facts = { partition, by: claim.worker.url };
    this.holds.delete(partition);
    if (this.isSure && claim.generation < this.generation && hold.type !== 'leaving') {
      // It was frozen when it lost the partition, and speaks too late.
      logger.warn(facts, 'a gateway claimed a part of the work that was dealt to this one since; claiming it again');
      this.claim([partition]);
    } else logger.debug(facts, 'another gateway has claimed a part of the work that was ours');
    this.options.changed();
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
    if (this.isSure && this.holds.size > 0)
      this.options.logger.warn(
        { partitions: this.holds.size },
        'the group that deals the connectors has dropped this gateway, as it was silent for too long; what it ran waits until it is known whether another has taken over',
      );
    this.isSure = false;
  }

  private dealt({ generation, partitions, members }: Extract<GroupEvent, { type: 'assigned' }>): void {
    if (this.isLeft) return;
    this.generation = generation;
    this.members = new Set(members);
    this.isSettled = true;
    this.isSure = true;
    const ours = new Set(partitions.map(({ partition }) => partition));
    for (const partition of this.holds.keys()) if (!ours.has(partition)) this.giveUp(partition);
    const free: number[] = [];
    for (const partition of ours) if (this.take(partition)) free.push(partition);
    this.claim(free);
    this.options.changed();
    this.tell(ours.size);
  }

  private tell(parts: number): void {
    const { logger, me, claims } = this.options;
    const { generation, members } = this;
    if (members.size > 1)
      logger.info(
        { generation, parts, gateways: members.size },
        `${members.size} gateways share the connectors, this one has ${parts} parts of the work; the others reach it at ${me.url}`,
      );
    const isTwin = ({ worker }: Claim) => worker.id !== me.id && worker.url === me.url && this.isMember(worker.id);
    if ([...claims.values()].some(isTwin))
      logger.warn(
        { url: me.url },
        `another gateway says that it is reached at ${me.url}, too, so calls that are meant for it come here; set connect.advertised of both`,
      );
  }

  /** Whether the partition can be claimed at once. */
  private take(partition: number): boolean {
    const { claims, me, clock, sessionTimeout } = this.options;
    const hold = this.holds.get(partition);
    const claim = claims.get(partition);
    if (hold?.type === 'held' || hold?.type === 'claiming') return false;
    if (hold?.type === 'leaving') {
      // It has come back before anybody else had it.
      if (claim?.worker.id === me.id && claim.epoch === hold.epoch) {
        this.holds.set(partition, { type: 'held', epoch: hold.epoch });
        return false;
      }
      return true;
    }
    const isFree = claim === undefined || claim.isReleased || !this.members.has(claim.worker.id);
    if (hold?.type === 'waiting') {
      if (isFree) hold.cancel();
      return isFree;
    }
    // One of ours that is not held here was given up without a word, such as by a member that broke.
    if (isFree || claim.worker.id === me.id) return true;
    const cancel = clock.after(sessionTimeout, () => this.claim([partition]));
    this.holds.set(partition, { type: 'waiting', cancel });
    return false;
  }

  private claim(partitions: readonly number[]): void {
    if (partitions.length === 0 || this.isLeft) return;
    for (const partition of partitions) {
      const hold = this.holds.get(partition);
      if (hold?.type === 'waiting') hold.cancel();
      this.holds.set(partition, { type: 'claiming' });
    }
    this.options.write(partitions, { generation: this.generation, isReleased: false });
  }

  private giveUp(partition: number): void {
    const hold = this.holds.get(partition);
    if (hold === undefined || hold.type === 'leaving') return;
    if (hold.type === 'waiting') hold.cancel();
    if (hold.type === 'held') this.holds.set(partition, { type: 'leaving', epoch: hold.epoch });
    else this.holds.delete(partition);
  }

  /** A flow that ended never comes back by itself. */
  private broke(error: unknown): void {
    if (this.isLeft) return;
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
