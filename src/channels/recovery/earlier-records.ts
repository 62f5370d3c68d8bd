import type { EarlierOfChannel, EarlierPart } from '../../core/channel-feed.ts';
import type { Message } from '../../core/message.ts';

/** Of the records that are read again for some clients, the newest of every channel: others will ask for them, too. */
export class EarlierRecords {
  private readonly last: number;
  /** By partition: where reading has begun. */
  private readonly starts = new Map<number, number>();
  private readonly channels = new Map<number, Map<string, EarlierOfChannel>>();
  /** By partition: where reading has ended. */
  private readonly ends = new Map<number, number>();

  /** `last`: records of a channel. */
  constructor(last: number) {
    this.last = last;
  }

  begin(starts: ReadonlyMap<number, number>): void {
    for (const [partition, from] of starts) {
      this.starts.set(partition, from);
      this.channels.set(partition, new Map());
    }
  }

  wants(partition: number): boolean {
    return this.channels.has(partition);
  }

  /** A record of a partition that is wanted. */
  add(channel: string, message: Message): void {
    const channels = this.channels.get(message.partition);
    const from = this.starts.get(message.partition);
    if (channels === undefined || from === undefined) return;
    const own = channels.get(channel) ?? { since: from, messages: [] };
    channels.set(channel, own);
    own.messages.push(message);
    if (own.messages.length > this.last) own.since = (own.messages.shift() as Message).offset + 1;
  }

  /** Not all of its records can be kept. */
  lose(partition: number): void {
    this.channels.delete(partition);
    this.ends.delete(partition);
  }

  loseAll(): void {
    this.channels.clear();
    this.ends.clear();
  }

  /** It is read up to that offset. */
  ended(partition: number, until: number): void {
    if (this.channels.has(partition)) this.ends.set(partition, until);
  }

  /** What is complete once all that was read is settled. */
  take(): EarlierPart[] {
    const parts: EarlierPart[] = [];
    for (const [partition, until] of this.ends) {
      const [from, channels] = [this.starts.get(partition), this.channels.get(partition)];
      if (from !== undefined && channels !== undefined) parts.push({ partition, from, until, channels });
      this.lose(partition);
    }
    return parts;
  }
}
