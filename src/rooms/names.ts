import type { Member } from '../core/membership.ts';
import type { Claim, ClaimChange, Claims } from '../presence/claim.ts';

type MemberClaim = Claim<Member>;
type NameChange = ClaimChange<Member>;

/**
 * Which claim holds which name. Three rules:
 *
 * 1. A claim holds its name if no claim of the same name is before it in the log: the order of the log is all that
 *    gateways have in common.
 * 2. A claim that has lost keeps the name from all claims behind it until it gets its tombstone, and never gets the
 *    name itself, even when the holder leaves. This makes the decision depend on nothing that compaction removes. Say A
 *    wins, B loses, A leaves, C claims: a gateway that starts now may find A's records compacted away, and takes B for
 *    the holder. Because B blocks C on every gateway, no gateway ever has C for a member while another one has B. The
 *    gateway of B writes the tombstone as soon as it reads that B has lost, which frees the name everywhere.
 * 3. Claims that are read during a rebuild are in doubt: when the claims before one of them end, it gets the name after
 *    all. A record that was written twice (a batch sent again by a new producer, a death that two gateways declared) is
 *    kept by compaction at its later place only, so a claim that won on all other gateways may look like one that lost.
 */
export class Names implements Claims<Member> {
  /** All claims of a name, those that have lost too, in the log's order. */
  private readonly queues = new Map<string, Set<MemberClaim>>();
  /** The claim that holds each name, in the order of joining. */
  private readonly holders = new Map<string, MemberClaim>();
  private readonly inDoubt = new WeakSet<MemberClaim>();
  private listed: readonly string[] | undefined;

  /** All names in the order of joining; the same array until it changes. */
  get list(): readonly string[] {
    this.listed ??= [...this.holders.keys()];
    return this.listed;
  }

  get members(): Iterable<MemberClaim> {
    return this.holders.values();
  }

  get size(): number {
    return this.holders.size;
  }

  holder(name: string): MemberClaim | undefined {
    return this.holders.get(name);
  }

  /** Undefined where the claim has lost. */
  add(claim: MemberClaim, isInDoubt: boolean): NameChange | undefined {
    const { name } = claim.member;
    if (isInDoubt) this.inDoubt.add(claim);
    const queue = this.queues.get(name);
    if (queue === undefined) {
      this.queues.set(name, new Set([claim]));
      return this.join(claim);
    }
    queue.add(claim);
    return undefined;
  }

  /** Removes all of them before any name is passed on, so that none of them inherits from another. */
  remove(claims: readonly MemberClaim[]): NameChange[] {
    for (const claim of claims) {
      const { name } = claim.member;
      const queue = this.queues.get(name);
      queue?.delete(claim);
      if (queue?.size === 0) this.queues.delete(name);
    }
    return claims.flatMap((claim) => this.passOn(claim));
  }

  private passOn(claim: MemberClaim): NameChange[] {
    const { name } = claim.member;
    if (this.holders.get(name) !== claim) return [];
    this.holders.delete(name);
    this.listed = undefined;
    const left: NameChange = { type: 'left', claim };
    for (const next of this.queues.get(name) ?? []) if (this.inDoubt.has(next)) return [left, this.join(next)];
    return [left];
  }

  private join(claim: MemberClaim): NameChange {
    this.holders.set(claim.member.name, claim);
    this.listed = undefined;
    return { type: 'joined', claim };
  }
}
