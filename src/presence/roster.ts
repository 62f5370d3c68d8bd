import type { Claim, ClaimChange, Claims } from './claim.ts';
import { Deaths } from './deaths.ts';
import { LiveIncarnations } from './live-incarnations.ts';
import type { DeadRecord, Keyed, LeaseRecord, MemberRecord, PresenceRecord, Tombstone } from './records.ts';

/** What a record changed, or what has to be written because of it. */
export type RosterEvent<M> =
  | ClaimChange<M>
  /** A claim of our own has lost: it gets a tombstone. */
  | { readonly type: 'lost'; readonly claim: Claim<M> }
  /** Our own lease was read back. */
  | { readonly type: 'renewed' }
  /** Our own incarnation was declared dead: this roster is of no more use. */
  | { readonly type: 'fenced' }
  /** Write a tombstone for that key. */
  | { readonly type: 'tombstone'; readonly key: string }
  /** Write that this incarnation is dead. */
  | { readonly type: 'declare-dead'; readonly incarnation: string };

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * The members that gateways know of, by the records of a topic in their order. What it promises, and why:
 *
 * - It depends on the records alone: no clock, no I/O, no randomness. All gateways read the same records, so all have
 *   the same members at the same offset without asking each other.
 * - A gateway that is alive stays alive while the log makes no progress (`live-incarnations.ts`).
 * - Nothing that a dead incarnation writes counts after the record of its death (`deaths.ts`). So the death is where its
 *   members end, for all gateways at the same offset, whatever of it is still in flight.
 * - A roster that is being rebuilt from the beginning of the topic reads what compaction has left of it. It may have
 *   fewer members than the others until the tombstones that are due are written.
 */
export class Roster<M, C extends Claims<M> = Claims<M>> {
  /** Our own. */
  readonly incarnation: string;
  readonly claims: C;
  private readonly live: LiveIncarnations<M>;
  private readonly deaths = new Deaths();
  private isRebuilding = true;

  constructor(incarnation: string, claims: C) {
    this.incarnation = incarnation;
    this.claims = claims;
    this.live = new LiveIncarnations(incarnation);
  }

  /** Incarnations that are alive, without our own. */
  get others(): string[] {
    return this.live.others;
  }

  /** When the last lease of a live incarnation was written by its own clock, in milliseconds since the epoch. */
  leasedAt(incarnation: string): number | undefined {
    return this.live.leasedAt(incarnation);
  }

  /** Whether it was declared dead: messages of such an incarnation are dropped. */
  isDead(incarnation: string): boolean {
    return this.deaths.has(incarnation);
  }

  /** Whether a message that a member of it sent at that time, by its own clock, was sent without a lease. */
  hadExpired(incarnation: string, timestamp: number): boolean {
    return this.deaths.hadExpired(incarnation, timestamp);
  }

  /** Whether a message that a member of it sent at that time, and that is read now, comes too late. */
  isTooLate(incarnation: string, timestamp: number): boolean {
    return this.deaths.isTooLate(incarnation, timestamp);
  }

  apply(record: PresenceRecord<M>): readonly RosterEvent<M>[] {
    switch (record.type) {
      case 'member':
        return this.addMember(record);
      case 'lease':
        return this.renew(record);
      case 'dead':
        return this.addDeath(record.incarnation, record);
      case 'tombstone':
        return this.applyTombstone(record);
    }
  }

  /** All has been read that was in the topic at the start: from here on every claim is judged as on other gateways. */
  rebuilt(): void {
    this.isRebuilding = false;
  }

  /**
   * Our next lease says nothing about the others, because it was late: a log that was stuck for us was stuck for
   * them. Their silence counts from there.
   */
  forgiveSilence(): void {
    this.live.forgiveSilence();
  }

  /**
   * Keys to remove of incarnations that died before that time, in milliseconds since the epoch. The key of the death is
   * the last one of each: while it is there, the records before it do not count.
   */
  garbage(before: number, keys: { deadKey(incarnation: string): string }): string[] {
    return this.deaths
      .before(before)
      .flatMap(({ incarnation, leftovers }) => [...leftovers, keys.deadKey(incarnation)]);
  }

  private addMember({ key, incarnation, seq, member }: MemberRecord<M>): readonly RosterEvent<M>[] {
    if (this.deaths.has(incarnation)) return this.addLeftover(incarnation, key);
    const claim = { key, incarnation, seq, member };
    if (!this.live.addClaim(claim)) return NOTHING;
    const joined = this.claims.add(claim, this.isRebuilding);
    if (joined !== undefined) return [joined];
    return incarnation === this.incarnation ? [{ type: 'lost', claim }] : NOTHING;
  }

  private renew(record: LeaseRecord): readonly RosterEvent<M>[] {
    const { key, incarnation } = record;
    if (this.deaths.has(incarnation)) return this.addLeftover(incarnation, key);
    if (!this.live.renew(record)) return NOTHING;
    const silent = this.live.takeSilent();
    return [{ type: 'renewed' }, ...silent.map((other) => ({ type: 'declare-dead', incarnation: other }) as const)];
  }

  private addDeath(incarnation: string, death: Omit<DeadRecord, 'type' | keyof Keyed>): RosterEvent<M>[] {
    const { by, timestamp, until } = death;
    const isOurs = by === this.incarnation;
    if (this.deaths.has(incarnation)) return this.deaths.declaredAgain(incarnation, isOurs).map(tombstone);
    const { claims, keys } = this.live.remove(incarnation);
    const due = this.deaths.add(incarnation, { timestamp, until, isOurs, isWitnessed: !this.isRebuilding }, keys);
    const events: RosterEvent<M>[] = this.claims.remove(claims);
    if (incarnation === this.incarnation) events.push({ type: 'fenced' });
    return [...events, ...due.map(tombstone)];
  }

  private applyTombstone({ of, key, incarnation }: Tombstone): readonly RosterEvent<M>[] {
    if (of === 'dead') return this.removeDeath(incarnation);
    if (this.deaths.has(incarnation)) {
      this.deaths.removeLeftover(incarnation, key);
      return NOTHING;
    }
    const claim = this.live.removeKey(incarnation, key);
    return claim === undefined ? NOTHING : this.claims.remove([claim]);
  }

  /** Another gateway has removed an old death, and before it all records of the dead incarnation. */
  private removeDeath(incarnation: string): readonly RosterEvent<M>[] {
    // We have missed our own death, which is days old, and with it that our names have new holders.
    if (incarnation === this.incarnation) return this.addDeath(incarnation, { by: '', timestamp: 0, until: undefined });
    this.deaths.remove(incarnation);
    return NOTHING;
  }

  private addLeftover(incarnation: string, key: string): readonly RosterEvent<M>[] {
    return this.deaths.addLeftover(incarnation, key) ? [tombstone(key)] : NOTHING;
  }
}

function tombstone(key: string): { readonly type: 'tombstone'; readonly key: string } {
  return { type: 'tombstone', key };
}
