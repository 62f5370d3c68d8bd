import { type Observable, Subject } from 'rxjs';
import { guarded } from '../../actors/lifecycle.ts';
import type { Worker } from './config-records.ts';
import type { Claim, ConfigChange } from './config-table.ts';
import { type AssignmentHandler, WorkerGroupMember, type WorkerGroupOptions } from './worker-group-member.ts';

export interface OwnershipOptions extends WorkerGroupOptions {
  /** As the topic of configs has them. */
  readonly claims: ReadonlyMap<number, Claim>;
  /** What records of the topic of configs have changed. */
  readonly changes$: Observable<ConfigChange>;
  /** Claims partitions for us, or releases them, in the topic of configs. */
  readonly write: (
    partitions: readonly number[],
    claim: { readonly generation: number; readonly isReleased: boolean },
  ) => void;
}

/** State of a partition that is or was assigned to this gateway. */
type Hold =
  /** The owner before may still run its tasks: until its release, or one session timeout. */
  | { readonly type: 'waiting'; readonly cancel: () => void }
  /** Our claim is written and not yet read back. */
  | { readonly type: 'claiming' }
  | { readonly type: 'held'; readonly epoch: number }
  /** It was assigned to another gateway, which waits for our release. */
  | { readonly type: 'leaving'; readonly epoch: number };

/**
 * Which partitions of the work are ours. The group assigns them; a claim in the topic of configs makes them ours, and its
 * offset is the epoch under which we write. Two owners never work at the same time: a new owner waits for the release
 * record of the one before, or for one session timeout if that still is a member.
 */
export class Ownership implements AssignmentHandler {
  private readonly options: OwnershipOptions;
  private readonly holds = new Map<number, Hold>();
  private readonly member: WorkerGroupMember;
  private readonly changes = new Subject<void>();
  private isLeft = false;

  constructor(options: OwnershipOptions) {
    this.options = options;
    this.member = new WorkerGroupMember(options, this);
    options.changes$.subscribe(guarded((change) => this.follow(change), options.logger));
  }

  start(): void {
    this.member.start();
  }

  /** Emits when a partition has another owner, and when it is, or is no longer, known whether we may write. */
  get changed$(): Observable<void> {
    return this.changes;
  }

  /** Whether what we hold is ours for sure: checked before each write. */
  get isAlive(): boolean {
    return this.member.isAlive;
  }

  /** Whether we have our first assignment, and hold what of it is free. */
  get hasBegun(): boolean {
    return this.member.generation > 0 && ![...this.holds.values()].some(({ type }) => type === 'claiming');
  }

  /** Whether the assignment is not known at the moment. */
  get isRebalancing(): boolean {
    return !this.member.isSettled;
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

  /** The gateway that has claimed a partition; undefined if that is not a member of the group. */
  ownerOf(partition: number): Worker | undefined {
    const claim = this.options.claims.get(partition);
    return claim !== undefined && !claim.isReleased && this.isMember(claim.worker.id) ? claim.worker : undefined;
  }

  /** Whether a gateway was in the group at the last assignment. */
  isMember(worker: string): boolean {
    return this.member.members.has(worker);
  }

  /** Partitions that are to be released as soon as nothing runs for them any more. */
  get leaving(): number[] {
    return [...this.holds].flatMap(([partition, { type }]) => (type === 'leaving' ? [partition] : []));
  }

  /** Releases partitions for which nothing runs any more: the next owner may begin. */
  letGo(partitions: readonly number[]): void {
    const gone = partitions.filter((partition) => this.holds.get(partition)?.type === 'leaving');
    for (const partition of gone) this.holds.delete(partition);
    if (gone.length > 0) this.options.write(gone, { generation: this.member.generation, isReleased: true });
  }

  /** Everything is to be released; `leave` follows when it has been. */
  giveUpAll(): void {
    this.isLeft = true;
    this.member.retire();
    for (const partition of this.holds.keys()) this.giveUp(partition);
    this.changes.next();
  }

  async leave(): Promise<void> {
    this.isLeft = true;
    for (const hold of this.holds.values()) if (hold.type === 'waiting') hold.cancel();
    this.holds.clear();
    await this.member.leave();
  }

  // --- from the topic of configs

  private follow(change: ConfigChange): void {
    if (change.type === 'claim') this.claimed(change.partition);
    if (change.type === 'reset') this.claimAgain();
  }

  /** The topic of configs was created again, so no claim counts any more: what is assigned to us is claimed again. */
  private claimAgain(): void {
    const ours = [...this.holds].flatMap(([partition, { type }]) =>
      type === 'held' || type === 'claiming' ? [partition] : [],
    );
    this.claim(ours);
  }

  private claimed(partition: number): void {
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
      this.changes.next();
    } else if (hold === undefined || hold.type === 'waiting') {
      // It was assigned to another gateway before our claim came back.
      this.options.write([partition], { generation: this.member.generation, isReleased: true });
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
    const { isSure, generation } = this.member;
    if (isSure && claim.generation < generation && hold.type !== 'leaving') {
      // It was frozen when it lost the partition, and its claim comes too late.
      logger.warn(facts, 'a gateway claimed work that has been assigned to this one since; claiming it again');
      this.claim([partition]);
    } else logger.debug(facts, 'another gateway has claimed a part of the work of this one');
    this.changes.next();
  }

  // --- from the group

  get heldCount(): number {
    return this.holds.size;
  }

  memberChanged(): void {
    this.changes.next();
  }

  assigned(ours: ReadonlySet<number>): void {
    for (const partition of this.holds.keys()) if (!ours.has(partition)) this.giveUp(partition);
    const free: number[] = [];
    for (const partition of ours) if (this.take(partition)) free.push(partition);
    this.claim(free);
    this.changes.next();
    this.logAssignment(ours.size);
  }

  // --- within

  private logAssignment(parts: number): void {
    const { logger, me, claims } = this.options;
    const { generation, members } = this.member;
    if (members.size > 1)
      logger.info(
        { generation, parts, gateways: members.size },
        `${members.size} gateways share the connectors, this one has ${parts} parts of the work; the others reach it at ${me.url}`,
      );
    const isTwin = ({ worker }: Claim) => worker.id !== me.id && worker.url === me.url && this.isMember(worker.id);
    if ([...claims.values()].some(isTwin))
      logger.warn(
        { url: me.url },
        `another gateway has the same address ${me.url}, so calls that are meant for it come here; set connect.advertised of both`,
      );
  }

  /** Whether the partition can be claimed at once. */
  private take(partition: number): boolean {
    const { claims, me, clock, sessionTimeout } = this.options;
    const hold = this.holds.get(partition);
    const claim = claims.get(partition);
    if (hold?.type === 'held' || hold?.type === 'claiming') return false;
    if (hold?.type === 'leaving') {
      // It has come back before another gateway had it.
      if (claim?.worker.id === me.id && claim.epoch === hold.epoch) {
        this.holds.set(partition, { type: 'held', epoch: hold.epoch });
        return false;
      }
      return true;
    }
    const isFree = claim === undefined || claim.isReleased || !this.isMember(claim.worker.id);
    // Its timer ends with the claim.
    if (hold?.type === 'waiting') return isFree;
    // A claim of ours that is not held here was given up without a release, such as by a member that failed.
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
    this.options.write(partitions, { generation: this.member.generation, isReleased: false });
  }

  private giveUp(partition: number): void {
    const hold = this.holds.get(partition);
    if (hold === undefined || hold.type === 'leaving') return;
    if (hold.type === 'waiting') hold.cancel();
    if (hold.type === 'held') this.holds.set(partition, { type: 'leaving', epoch: hold.epoch });
    else this.holds.delete(partition);
  }
}
