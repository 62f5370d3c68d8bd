import type { Worker } from './config-records.ts';
import type { Claim } from './config-table.ts';
import { Membership, type MembershipHandler, type MembershipOptions } from './membership.ts';

export interface OwnershipOptions extends MembershipOptions {
  /** As the topic of configs has them. */
  readonly claims: ReadonlyMap<number, Claim>;
  /** Claims partitions for us, or releases them, in the topic of configs. */
  readonly write: (
    partitions: readonly number[],
    claim: { readonly generation: number; readonly isReleased: boolean },
  ) => void;
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
 * for one session timeout where it still is a member.
 */
export class Ownership implements MembershipHandler {
  private readonly options: OwnershipOptions;
  private readonly holds = new Map<number, Hold>();
  private readonly membership: Membership;
  private isLeft = false;

  constructor(options: OwnershipOptions) {
    this.options = options;
    this.membership = new Membership(options, this);
  }

  start(): void {
    this.membership.start();
  }

  /** Whether what we hold is ours for sure: looked up before each write. */
  get isAlive(): boolean {
    return this.membership.isAlive;
  }

  /** Whether we were dealt our first share, and hold what of it is free. */
  get hasBegun(): boolean {
    return this.membership.generation > 0 && ![...this.holds.values()].some(({ type }) => type === 'claiming');
  }

  /** Whether it is open who is to have what. */
  get isRebalancing(): boolean {
    return !this.membership.isSettled;
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
    return this.membership.members.has(worker);
  }

  /** Partitions that are to be given up as soon as nothing runs for them any more. */
  get leaving(): number[] {
    return [...this.holds].flatMap(([partition, { type }]) => (type === 'leaving' ? [partition] : []));
  }

  /** Nothing runs for these partitions any more: the next one may begin. */
  letGo(partitions: readonly number[]): void {
    const gone = partitions.filter((partition) => this.holds.get(partition)?.type === 'leaving');
    for (const partition of gone) this.holds.delete(partition);
    if (gone.length > 0) this.options.write(gone, { generation: this.membership.generation, isReleased: true });
  }

  /** The topic of configs was created again, so no claim counts any more: what is assigned to us is claimed again. */
  claimAgain(): void {
    const ours = [...this.holds].flatMap(([partition, { type }]) =>
      type === 'held' || type === 'claiming' ? [partition] : [],
    );
    this.claim(ours);
  }

  /** Everything is to be given up; `leave` follows when it has been. */
  giveUpAll(): void {
    this.isLeft = true;
    this.membership.retire();
    for (const partition of this.holds.keys()) this.giveUp(partition);
    this.options.changed();
  }

  async leave(): Promise<void> {
    this.isLeft = true;
    for (const hold of this.holds.values()) if (hold.type === 'waiting') hold.cancel();
    this.holds.clear();
    await this.membership.leave();
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
      this.options.write([partition], { generation: this.membership.generation, isReleased: true });
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
    const { isSure, generation } = this.membership;
    if (isSure && claim.generation < generation && hold.type !== 'leaving') {
      // It was frozen when it lost the partition, and speaks too late.
      logger.warn(facts, 'a gateway claimed a part of the work that was dealt to this one since; claiming it again');
      this.claim([partition]);
    } else logger.debug(facts, 'another gateway has claimed a part of the work that was ours');
    this.options.changed();
  }

  // --- from the group

  get holding(): number {
    return this.holds.size;
  }

  dealt(ours: ReadonlySet<number>): void {
    for (const partition of this.holds.keys()) if (!ours.has(partition)) this.giveUp(partition);
    const free: number[] = [];
    for (const partition of ours) if (this.take(partition)) free.push(partition);
    this.claim(free);
    this.options.changed();
    this.tell(ours.size);
  }

  // --- within

  private tell(parts: number): void {
    const { logger, me, claims } = this.options;
    const { generation, members } = this.membership;
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
    const isFree = claim === undefined || claim.isReleased || !this.isMember(claim.worker.id);
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
    this.options.write(partitions, { generation: this.membership.generation, isReleased: false });
  }

  private giveUp(partition: number): void {
    const hold = this.holds.get(partition);
    if (hold === undefined || hold.type === 'leaving') return;
    if (hold.type === 'waiting') hold.cancel();
    if (hold.type === 'held') this.holds.set(partition, { type: 'leaving', epoch: hold.epoch });
    else this.holds.delete(partition);
  }
}
