type Cause = 'client killed' | 'gateway killed' | 'dealt anew';

/** Something that takes partitions from clients that hold them. Times are those of `Date.now`. */
interface Interruption {
  readonly time: number;
  readonly cause: Cause;
  /** A client, or the gateway that its name begins with. */
  readonly whom: string;
}

interface Delivery {
  readonly client: string;
  readonly offset: number;
  /** When it was seen, which may be a while after it came. */
  readonly time: number;
}

/** Something that is a fault unless the one who got the earlier record was interrupted between the two. */
interface Suspicion {
  readonly before: Delivery;
  readonly time: number;
  readonly text: string;
  readonly isRepeat: boolean;
}

interface Progress {
  /** The newest delivery of each offset. */
  readonly deliveries: Delivery[];
  /** What Kafka itself said that the group had committed. */
  committed: number;
  /** Who got the newest record of it. */
  holder: string;
}

/** How often records came again for a cause, and how old the oldest of them was when it happened, in milliseconds. */
interface Repeats {
  count: number;
  age: number;
}

/** A record that was given before a deal may be seen so much later, in milliseconds: the process that looks is busy. */
const LAG = 2_000;

/**
 * What the members of a group got, record by record, as one process saw it, and what of it must not be: a hole; a step
 * back or a jump while nobody took the partition; a record that comes again although its commit had landed, or although
 * nothing happened to whoever had it.
 */
export class DeliveryLedger {
  delivered = 0;
  /** Different records among them. */
  distinct = 0;
  private readonly faults: string[] = [];
  private readonly suspicions: Suspicion[] = [];
  private readonly interruptions: Interruption[] = [];
  private readonly partitions: readonly Progress[];
  /** By client and partition. */
  private readonly newest = new Map<string, Delivery>();

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => ({ deliveries: [], committed: 0, holder: '' }));
  }

  /** Clients that got the newest record of a partition. */
  get holders(): readonly string[] {
    return this.partitions.map(({ holder }) => holder);
  }

  /** Clients are named after their gateway: `GATEWAY-NUMBER`. */
  interrupted(cause: Cause, whom: string, time = Date.now()): void {
    this.interruptions.push({ time, cause, whom });
  }

  committed(offsets: readonly number[]): void {
    for (const [partition, offset] of offsets.entries()) this.at(partition).committed = offset;
  }

  deliver(client: string, partition: number, offset: number): void {
    const delivery = { client, offset, time: Date.now() };
    const progress = this.at(partition);
    const { deliveries, committed, holder } = progress;
    const what = `${client} got ${partition}/${offset}`;
    this.delivered += 1;
    if (offset > deliveries.length) this.faults.push(`${what} before anybody got ${deliveries.length}`);
    const same = deliveries[offset];
    if (same === undefined) this.distinct += 1;
    else {
      if (offset < committed) this.faults.push(`${what} again, and ${committed} was committed`);
      this.suspect(same, delivery, `${what}, which ${same.client} had got`, true);
    }
    const newest = this.newest.get(`${client} ${partition}`);
    if (newest !== undefined && offset !== newest.offset + 1 && holder === client)
      this.suspect(newest, delivery, `${what} behind ${newest.offset}`, false);
    deliveries[offset] = delivery;
    progress.holder = client;
    this.newest.set(`${client} ${partition}`, delivery);
  }

  /** What must not be, and how often what may be was. */
  judge(): { readonly faults: readonly string[]; readonly repeats: Readonly<Record<Cause, Repeats>> } {
    const repeats = {
      'client killed': { count: 0, age: 0 },
      'gateway killed': { count: 0, age: 0 },
      'dealt anew': { count: 0, age: 0 },
    };
    const faults = [...this.faults];
    for (const { before, time, text, isRepeat } of this.suspicions) {
      const interruption = this.interruptionOf(before, time);
      if (interruption === undefined) faults.push(`${text}, and nothing had happened to ${before.client}`);
      if (interruption === undefined || !isRepeat) continue;
      const repeated = repeats[interruption.cause];
      repeated.count += 1;
      repeated.age = Math.max(repeated.age, interruption.time - before.time);
    }
    return { faults, repeats };
  }

  private suspect(before: Delivery, { time }: Delivery, text: string, isRepeat: boolean): void {
    this.suspicions.push({ before, time, text, isRepeat });
  }

  /**
   * What happened to a client since it got a record. Who was killed, or whose gateway was, gets nothing after that: what is
   * seen of it later came before. Of a deal the gateway itself says when it was, and nobody gets a partition before the
   * one who had it has said so.
   */
  private interruptionOf({ client, time }: Delivery, until: number): Interruption | undefined {
    const gateway = client.replace(/-\d+$/, '');
    const some = this.interruptions.filter(({ whom, time }) => time <= until && (whom === client || whom === gateway));
    return (
      some.find(({ cause }) => cause !== 'dealt anew') ??
      some.find((one) => one.time >= time) ??
      some.find((one) => one.time >= time - LAG)
    );
  }

  private at(partition: number): Progress {
    const progress = this.partitions[partition];
    if (progress === undefined) throw new Error(`there is no partition ${partition}`);
    return progress;
  }
}
