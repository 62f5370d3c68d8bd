import type { ClientInChannel } from './clients-in-channels.ts';

/**
 * Records that may be in flight to the log. While it is away, clients come and go: what came and went is not written at all, and
 * what waits is bounded by what they are subscribed to.
 */
const MAX_IN_FLIGHT = 1_000;

/** One subscription of this gateway. */
interface Entry {
  readonly member: ClientInChannel;
  /** Whether the client is subscribed now. */
  isIn: boolean;
  /** Of its claim in this incarnation; 0: there is none. */
  seq: number;
}

export interface ClaimWriter {
  /** `done`: the log has it, or never will. */
  claim(seq: number, member: ClientInChannel, isWanted: () => boolean, done: (isStored: boolean) => void): void;
  /** Writes the tombstone of a claim. */
  withdraw(seq: number, done: () => void): void;
  /** Whether there is room for one more, with so many that are not read back yet. */
  hasRoom(unread: number): boolean;
}

/** The subscriptions of this gateway, and what of them has to be written to the log, in the order in which it came about. */
export class OwnClients {
  private readonly writer: ClaimWriter;
  private readonly entries = new Map<string, Entry>();
  /** Whose claim, or whose end, is not written yet. */
  private readonly due = new Set<Entry>();
  /** Those for which there is no room. */
  private readonly waiting = new Set<Entry>();
  private isOpen = false;
  private inFlight = 0;
  private unread = 0;
  private lastSeq = 0;
  /** What is written for an incarnation that has ended counts no more. */
  private generation = 0;

  constructor(writer: ClaimWriter) {
    this.writer = writer;
  }

  /** Subscriptions that no gateway knows of for want of room. */
  get unlisted(): number {
    return this.waiting.size;
  }

  /** A subscription of this gateway, with the number of its claim; 0: none is written yet. */
  of(channel: string, client: string): { readonly member: ClientInChannel; readonly seq: number } | undefined {
    const entry = this.entries.get(keyOf(channel, client));
    return entry?.isIn === true ? entry : undefined;
  }

  join(member: ClientInChannel): void {
    const key = keyOf(member.channel, member.client.client);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { member, isIn: true, seq: 0 };
      this.entries.set(key, entry);
    }
    entry.isIn = true;
    if (entry.seq === 0) this.due.add(entry);
    this.work();
  }

  leave(channel: string, client: string): void {
    const key = keyOf(channel, client);
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    entry.isIn = false;
    if (entry.seq === 0) this.forget(entry);
    else this.due.add(entry);
    this.work();
  }

  /** What waits is written from now on. */
  open(): void {
    this.isOpen = true;
    this.work();
  }

  /** The incarnation has ended, and all claims with it: those of the next one are written once it is open. */
  startAgain(): void {
    this.isOpen = false;
    this.generation += 1;
    this.unread = 0;
    this.waiting.clear();
    for (const entry of [...this.entries.values()]) {
      entry.seq = 0;
      if (entry.isIn) this.due.add(entry);
      else this.forget(entry);
    }
  }

  /** The gateway says goodbye: no claim may be left behind it. */
  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const entry of [...this.entries.values()]) if (entry.seq > 0) this.withdraw(entry);
    for (const held of [this.entries, this.due, this.waiting]) held.clear();
  }

  /** A claim of ours was read back. */
  readBack(): void {
    this.unread -= 1;
  }

  /** Writes what is due, as far as there is room. */
  work(): void {
    for (const entry of this.due) {
      if (!this.mayWrite) return;
      this.due.delete(entry);
      if (!entry.isIn) this.withdraw(entry);
      else if (entry.seq > 0) continue;
      else if (this.writer.hasRoom(this.unread)) this.claim(entry);
      else this.waiting.add(entry);
    }
    for (const entry of this.waiting) {
      if (!this.mayWrite || !this.writer.hasRoom(this.unread)) return;
      this.waiting.delete(entry);
      this.claim(entry);
    }
  }

  private get mayWrite(): boolean {
    return this.isOpen && this.inFlight < MAX_IN_FLIGHT;
  }

  private claim(entry: Entry): void {
    const { generation } = this;
    this.lastSeq += 1;
    const seq = this.lastSeq;
    entry.seq = seq;
    this.inFlight += 1;
    this.unread += 1;
    const isWanted = () => this.generation === generation && entry.seq === seq;
    this.writer.claim(seq, entry.member, isWanted, (isStored) => {
      if (!isStored && this.generation === generation) this.unread -= 1;
      this.landed();
    });
  }

  private withdraw(entry: Entry): void {
    const { seq } = entry;
    this.forget(entry);
    this.inFlight += 1;
    this.writer.withdraw(seq, () => this.landed());
  }

  private landed(): void {
    this.inFlight -= 1;
    this.work();
  }

  private forget(entry: Entry): void {
    const { channel, client } = entry.member;
    entry.seq = 0;
    this.entries.delete(keyOf(channel, client.client));
    this.due.delete(entry);
    this.waiting.delete(entry);
  }
}

/** Names of channels have no line feed in them. */
function keyOf(channel: string, client: string): string {
  return `${channel}\n${client}`;
}
