type Cause = 'client killed' | 'gateway killed' | 'assigned again';

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
  /** The client that received its newest record. */
  holder: string;
}

/** How often records were repeated for a cause, and how old the oldest of them was then, in milliseconds. */
interface Repeats {
  count: number;
  age: number;
}

/** The longest time, in milliseconds, after which a busy test sees a record that was delivered before an assignment. */
const LAG = 2_000;

/**
 * The records that the members of a group received, as one process saw them, and their faults: a hole, a step back or a
 * jump without a new owner of the partition, and a repetition after the commit or without an interruption of the client.
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
    if (offset > deliveries.length) this.faults.push(`${what} before any client got ${deliveries.length}`);
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

  /** All faults, and how often records were repeated for an allowed cause. */
  judge(): { readonly faults: readonly string[]; readonly repeats: Readonly<Record<Cause, Repeats>> } {
    const repeats = {
      'client killed': { count: 0, age: 0 },
      'gateway killed': { count: 0, age: 0 },
      'assigned again': { count: 0, age: 0 },
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
   * The interruption of a client after it received a record. A client that was killed, or whose gateway was killed, receives
   * nothing afterwards, so a record seen later was delivered before. The gateway reports the time of an assignment, and a
   * partition reaches its new client only after its former gateway has reported.
   */
  private interruptionOf({ client, time }: Delivery, until: number): Interruption | undefined {
    const gateway = client.replace(/-\d+$/, '');
    const some = this.interruptions.filter(({ whom, time }) => time <= until && (whom === client || whom === gateway));
    return (
      some.find(({ cause }) => cause !== 'assigned again') ??
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
