import type { Claim } from './claim.ts';
import type { LeaseRecord } from './records.ts';

/** An incarnation is dead when we read this many leases of our own and no record of that incarnation between them. */
const SILENT_LEASES = 3;

/** What an incarnation has in the topic. */
interface Live<M> {
  readonly claims: Map<string, Claim<M>>;
  leaseKey: string | undefined;
  /** When the lease was written by the clock of its gateway, in milliseconds since the epoch. */
  leasedAt: number | undefined;
  /** How many of our own leases had been read when its last record was read. */
  seenAt: number;
}

/**
 * The incarnations that are alive, each from its first record on. An incarnation ends when it has neither a lease nor
 * claims in the topic, which is how a gateway says goodbye, or when it is declared dead.
 *
 * Silence is counted in leases of our own that were read back, never in time: while the log makes no progress no gateway
 * can be heard, and none is declared dead for it.
 */
export class LiveIncarnations<M> {
  private readonly own: string;
  private readonly live = new Map<string, Live<M>>();
  private ownLeases = 0;
  private lastOwnLease = 0;

  constructor(own: string) {
    this.own = own;
  }

  /** All but our own. */
  get others(): string[] {
    return [...this.live.keys()].filter((incarnation) => incarnation !== this.own);
  }

  leasedAt(incarnation: string): number | undefined {
    return this.live.get(incarnation)?.leasedAt;
  }

  /** False for a record that was written twice: the first one counts. */
  addClaim(claim: Claim<M>): boolean {
    const { claims } = this.seen(claim.incarnation);
    if (claims.has(claim.key)) return false;
    claims.set(claim.key, claim);
    return true;
  }

  /** Whether it is a lease of ours that was not read before. */
  renew({ key, incarnation, number, timestamp }: LeaseRecord): boolean {
    const live = this.seen(incarnation);
    live.leaseKey = key;
    live.leasedAt = timestamp;
    if (incarnation !== this.own || number <= this.lastOwnLease) return false;
    this.lastOwnLease = number;
    this.ownLeases += 1;
    return true;
  }

  /** Those that have to be declared dead. Each is named again after as many leases, until the record of its death comes. */
  takeSilent(): string[] {
    const silent: string[] = [];
    for (const [incarnation, live] of this.live) {
      if (incarnation === this.own || this.ownLeases - live.seenAt < SILENT_LEASES) continue;
      live.seenAt = this.ownLeases;
      silent.push(incarnation);
    }
    return silent;
  }

  /** The silence of the others counts from our next lease on. */
  forgiveSilence(): void {
    for (const live of this.live.values()) live.seenAt = this.ownLeases + 1;
  }

  /** A tombstone for a key of this incarnation was read. Returns the claim that ends by it. */
  removeKey(incarnation: string, key: string): Claim<M> | undefined {
    const live = this.live.get(incarnation);
    if (live === undefined) return undefined;
    if (live.leaseKey === key) live.leaseKey = undefined;
    const claim = live.claims.get(key);
    live.claims.delete(key);
    // An incarnation that has claims but no lease has not said goodbye, and will be declared dead.
    if (live.leaseKey === undefined && live.claims.size === 0) this.live.delete(incarnation);
    return claim;
  }

  /** Returns what the incarnation has in the topic. */
  remove(incarnation: string): { readonly claims: Claim<M>[]; readonly keys: string[] } {
    const { claims, leaseKey } = this.live.get(incarnation) ?? {
      claims: new Map<string, Claim<M>>(),
      leaseKey: undefined,
    };
    this.live.delete(incarnation);
    return { claims: [...claims.values()], keys: [...claims.keys(), ...(leaseKey === undefined ? [] : [leaseKey])] };
  }

  /** Every record of an incarnation shows that it lives. */
  private seen(incarnation: string): Live<M> {
    let live = this.live.get(incarnation);
    if (live === undefined) {
      live = { claims: new Map(), leaseKey: undefined, leasedAt: undefined, seenAt: 0 };
      this.live.set(incarnation, live);
    }
    live.seenAt = this.ownLeases;
    return live;
  }
}
