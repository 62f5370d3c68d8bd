import type { Member } from '../../core/component.ts';
import type { DeadRecord, LeaseRecord, MemberRecord, PresenceRecord, Tombstone } from './records.ts';

/** So many own leases read back without a sign of life from another gateway, and that one is dead. */
const SILENT_LEASES = 3;

/** A member's record, for as long as nothing has ended it. */
export interface Claim {
  readonly key: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly member: Member;
}

/** What a record changed, or asks for. */
export type RosterEvent =
  | { readonly type: 'joined' | 'left'; readonly claim: Claim }
  /** A claim of ours came second to its name and is to get its tombstone. */
  | { readonly type: 'lost'; readonly claim: Claim }
  /** Our own lease has come back. */
  | { readonly type: 'echoed' }
  /** We have been declared dead: this roster is of no more use. */
  | { readonly type: 'fenced' }
  /** Write a tombstone for that key. */
  | { readonly type: 'bury'; readonly key: string }
  /** Write that this incarnation is dead. */
  | { readonly type: 'declare'; readonly incarnation: string };

interface Gateway {
  readonly claims: Map<string, Claim>;
  /** Its lease's key, where it has one. */
  lease: string | undefined;
  /** How many of our own leases had come back at its last sign of life. */
  seenAt: number;
}

interface Death {
  readonly timestamp: number;
  /** We have written it, so we clean up. */
  isOurs: boolean;
  /** Keys of its records that have no tombstone yet. */
  readonly leftovers: Set<string>;
}

const NOTHING: readonly RosterEvent[] = Object.freeze([]);

/**
 * Who is in a room, by the records of the presence topic in their order, and by nothing else: no time, no I/O. All
 * gateways read the same records, so all come to the same view at the same offset.
 *
 * A claim wins its name if no other claim of that name, won or lost, stands before it without a tombstone. That a
 * lost claim occupies the name until its tombstone looks unkind, but makes the decision a function of what compaction
 * keeps. Say A wins, B loses, A leaves, C asks: one who starts now may find A's records compacted away, B first, and
 * take B for the winner. As B stands in C's way for everyone, nobody holds C for a member while somebody holds B for
 * one; B's tombstone, which is written as soon as its gateway reads that it lost, ends the difference.
 *
 * What is read while the roster is rebuilt is therefore in doubt: a record that is written twice (a death found by
 * two gateways, a batch sent again by a new producer) is kept at its later place only, so what was free for all others
 * may look occupied. Where the first of such claims goes, the next one in line has the name.
 */
export class Roster {
  /** Our own incarnation. */
  readonly incarnation: string;
  private readonly gateways = new Map<string, Gateway>();
  private readonly deaths = new Map<string, Death>();
  /** All claims of a name, won or lost, in the log's order. */
  private readonly claims = new Map<string, Set<Claim>>();
  /** Whose each name is, in the order of their joining. */
  private readonly holders = new Map<string, Claim>();
  private readonly inDoubt = new WeakSet<Claim>();
  private isRebuilding = true;
  private leases = 0;
  private lastLease = 0;
  private listed: readonly string[] | undefined;

  constructor(incarnation: string) {
    this.incarnation = incarnation;
  }

  /** Names of all members in the order of their joining; the same array until it changes. */
  get names(): readonly string[] {
    this.listed ??= [...this.holders.keys()];
    return this.listed;
  }

  get members(): Iterable<Claim> {
    return this.holders.values();
  }

  /** Gateways that live, without this one. */
  get others(): string[] {
    return [...this.gateways.keys()].filter((incarnation) => incarnation !== this.incarnation);
  }

  get size(): number {
    return this.holders.size;
  }

  holder(name: string): Claim | undefined {
    return this.holders.get(name);
  }

  apply(record: PresenceRecord): readonly RosterEvent[] {
    switch (record.type) {
      case 'member':
        return this.claim(record);
      case 'lease':
        return this.renew(record);
      case 'dead':
        return this.die(record.incarnation, record);
      case 'tombstone':
        return this.bury(record);
    }
  }

  /** All has been read that was there at the start: from here on every claim is judged as all others judge it. */
  rebuilt(): void {
    this.isRebuilding = false;
  }

  /**
   * The lease of ours that comes next says nothing about the others: it was late, and a log that stood still for us
   * did so for them. Their silence counts from there.
   */
  forgive(): void {
    for (const gateway of this.gateways.values()) gateway.seenAt = this.leases + 1;
  }

  /** Keys that may go of gateways that died before that time, in milliseconds since the epoch: of a death at last. */
  garbage(before: number, keys: { deadKey(incarnation: string): string }): string[] {
    const old = [...this.deaths].filter(([, { timestamp }]) => timestamp < before);
    return old.flatMap(([incarnation, { leftovers }]) => [...leftovers, keys.deadKey(incarnation)]);
  }

  private claim({ key, incarnation, seq, member }: MemberRecord): readonly RosterEvent[] {
    const death = this.deaths.get(incarnation);
    if (death !== undefined) return leftOver(death, key);
    const gateway = this.alive(incarnation);
    // The same record a second time: the first one counts.
    if (gateway.claims.has(key)) return NOTHING;
    const claim = { key, incarnation, seq, member };
    gateway.claims.set(key, claim);
    if (this.isRebuilding) this.inDoubt.add(claim);
    const line = this.claims.get(member.name);
    if (line === undefined) {
      this.claims.set(member.name, new Set([claim]));
      return [this.join(claim)];
    }
    line.add(claim);
    return incarnation === this.incarnation ? [{ type: 'lost', claim }] : NOTHING;
  }

  private renew({ key, incarnation, number }: LeaseRecord): readonly RosterEvent[] {
    const death = this.deaths.get(incarnation);
    if (death !== undefined) return leftOver(death, key);
    this.alive(incarnation).lease = key;
    if (incarnation !== this.incarnation || number <= this.lastLease) return NOTHING;
    this.lastLease = number;
    this.leases += 1;
    return [{ type: 'echoed' }, ...this.silent()];
  }

  private silent(): RosterEvent[] {
    const events: RosterEvent[] = [];
    for (const [incarnation, gateway] of this.gateways) {
      if (incarnation === this.incarnation || this.leases - gateway.seenAt < SILENT_LEASES) continue;
      // Asked for again after as many leases, should the record not have come by then.
      gateway.seenAt = this.leases;
      events.push({ type: 'declare', incarnation });
    }
    return events;
  }

  private die(incarnation: string, { by, timestamp }: Pick<DeadRecord, 'by' | 'timestamp'>): RosterEvent[] {
    const isOurs = by === this.incarnation;
    const known = this.deaths.get(incarnation);
    if (known !== undefined) {
      if (isOurs && !known.isOurs) known.isOurs = true;
      else return [];
      return buryAll(known);
    }
    const gateway = this.gateways.get(incarnation);
    const death: Death = { timestamp, isOurs, leftovers: new Set(gateway?.claims.keys()) };
    if (gateway?.lease !== undefined) death.leftovers.add(gateway.lease);
    this.deaths.set(incarnation, death);
    this.gateways.delete(incarnation);
    const events = this.end([...(gateway?.claims.values() ?? [])]);
    if (incarnation === this.incarnation) events.push({ type: 'fenced' });
    if (isOurs) events.push(...buryAll(death));
    return events;
  }

  private bury({ of, key, incarnation }: Tombstone): readonly RosterEvent[] {
    if (of === 'dead') return this.forget(incarnation);
    const death = this.deaths.get(incarnation);
    if (death !== undefined) {
      death.leftovers.delete(key);
      return NOTHING;
    }
    const gateway = this.gateways.get(incarnation);
    if (gateway === undefined) return NOTHING;
    if (gateway.lease === key) gateway.lease = undefined;
    const claim = gateway.claims.get(key);
    gateway.claims.delete(key);
    // One that has neither lease nor members has said goodbye. With members it has not, and will be found dead.
    if (gateway.lease === undefined && gateway.claims.size === 0) this.gateways.delete(incarnation);
    return claim === undefined ? NOTHING : this.end([claim]);
  }

  /** Its death was swept away, together with all that it had written. Ours we would have had to read long ago. */
  private forget(incarnation: string): readonly RosterEvent[] {
    if (incarnation === this.incarnation) return this.die(incarnation, { by: '', timestamp: 0 });
    this.deaths.delete(incarnation);
    return NOTHING;
  }

  /** Takes claims out of their lines first, so that none of them comes after another. */
  private end(claims: readonly Claim[]): RosterEvent[] {
    for (const claim of claims) {
      const line = this.claims.get(claim.member.name);
      line?.delete(claim);
      if (line?.size === 0) this.claims.delete(claim.member.name);
    }
    return claims.flatMap((claim) => this.handOn(claim));
  }

  private handOn(claim: Claim): RosterEvent[] {
    const { name } = claim.member;
    if (this.holders.get(name) !== claim) return [];
    this.holders.delete(name);
    this.listed = undefined;
    const left: RosterEvent = { type: 'left', claim };
    for (const next of this.claims.get(name) ?? []) if (this.inDoubt.has(next)) return [left, this.join(next)];
    return [left];
  }

  private join(claim: Claim): RosterEvent {
    this.holders.set(claim.member.name, claim);
    this.listed = undefined;
    return { type: 'joined', claim };
  }

  /** A gateway that has just shown that it lives. */
  private alive(incarnation: string): Gateway {
    let gateway = this.gateways.get(incarnation);
    if (gateway === undefined) {
      gateway = { claims: new Map(), lease: undefined, seenAt: 0 };
      this.gateways.set(incarnation, gateway);
    }
    gateway.seenAt = this.leases;
    return gateway;
  }
}

/** What a dead gateway still writes counts for nothing. Who declared it dead sweeps it up. */
function leftOver(death: Death, key: string): readonly RosterEvent[] {
  death.leftovers.add(key);
  return death.isOurs ? [{ type: 'bury', key }] : NOTHING;
}

function buryAll({ leftovers }: Death): RosterEvent[] {
  return [...leftovers].map((key) => ({ type: 'bury', key }));
}
