import type { ChannelPosition } from '../../src/core/channel-position.ts';
import { Message } from '../../src/core/message.ts';
import type { MemoryLog } from '../../src/testing/simulation/memory-log.ts';

/** Batches. */
const FLOOD = 5;

interface Stored {
  readonly offset: number;
  /** Since when a newer record of its key has taken its place. */
  compacted: number;
}

/** What was written to the topic of the channels, and what of it is still there. */
export class ChannelTopic {
  /** Counts what happens to the topic. */
  moment = 0;
  private readonly log: MemoryLog;
  private readonly name: string;
  private readonly isCompacted: boolean;
  private readonly stored = new Map<string, Stored[]>();
  private starts: readonly number[] = [];
  private written = 0;

  constructor(log: MemoryLog, settings: { name: string; isCompacted: boolean }) {
    this.log = log;
    this.name = settings.name;
    this.isCompacted = settings.isCompacted;
  }

  async write(keys: readonly string[]): Promise<void> {
    await this.append(keys);
    await this.look();
  }

  /** So much at once that the first of it is gone before any reader has come to it. Gives how many records may be compacted. */
  async flood(keys: readonly string[]): Promise<number> {
    const sent = Array.from({ length: FLOOD }, () => this.append(keys, 'x'.repeat(4_000)));
    await Promise.all([...sent, this.log.maintain()]);
    await this.look();
    this.replaced();
    return this.isCompacted ? FLOOD * keys.length : 0;
  }

  /** What is too much, or replaced by newer records, is gone. */
  async maintain(): Promise<void> {
    await this.log.maintain();
    await this.look();
    this.replaced();
  }

  /** All but the newest of a key may be gone, also of those that came while the log was looked through. */
  private replaced(): void {
    if (!this.isCompacted) return;
    this.moment += 1;
    for (const all of this.stored.values())
      for (const one of all.slice(0, -1)) one.compacted = Math.min(one.compacted, this.moment);
  }

  /** Asks the log, where it can be reached, which offsets are left. */
  async look(): Promise<void> {
    if (!this.log.faults.isUp) return;
    const found = await this.log.admin.offsets(this.name);
    this.starts = found.toSorted((one, other) => one.partition - other.partition).map(({ earliest }) => earliest);
  }

  earliest(partition: number): number {
    return this.starts[partition] ?? 0;
  }

  hasSince({ partition, offset }: ChannelPosition): boolean {
    return offset >= this.earliest(partition);
  }

  has(channel: string, offset: number): boolean {
    return (this.stored.get(channel) ?? []).some((one) => one.offset === offset);
  }

  /** Offsets of the records of the channel that have to come to one that came at that moment. */
  between(channel: string, from: number, to: number, moment: number): number[] {
    return (this.stored.get(channel) ?? [])
      .filter(({ offset, compacted }) => offset >= from && offset < to && compacted > moment)
      .map(({ offset }) => offset);
  }

  private async append(keys: readonly string[], text = ''): Promise<void> {
    const messages = keys.map((key) => {
      this.written += 1;
      return new Message(Buffer.from(JSON.stringify({ n: this.written, text })), {
        key,
        timestamp: this.log.clock.now(),
      });
    });
    await this.log.append(this.name, messages);
    for (const [at, { offset }] of messages.entries()) {
      const channel = `symbol.${keys[at]}`;
      const known = this.stored.get(channel) ?? [];
      known.push({ offset, compacted: Number.POSITIVE_INFINITY });
      this.stored.set(channel, known);
    }
  }
}
