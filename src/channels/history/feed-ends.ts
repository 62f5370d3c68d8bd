import type { FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';

/** From so many on it is looked which of them matter. */
const MANY = 8;

/**
 * Where feeds have left their channels, so that subscribers hear of what was not read for them until the next feed begins: that of
 * the same pipeline, of another one, or of one that was away for a while.
 */
export class FeedEnds {
  /** Oldest first. */
  private ends: FeedEnd[] = [];

  /** `subscribed`: channels that have subscribers; those of others need not be known. */
  add(end: FeedEnd, subscribed: () => Iterable<string>): void {
    this.ends.push(end);
    if (this.ends.length > MANY) this.keepFor(subscribed());
  }

  /** Where the channel was left last; undefined where no feed had it. */
  of(channel: string): ChannelPosition | undefined {
    return this.newestOf(channel)?.of(channel);
  }

  get size(): number {
    return this.ends.length;
  }

  private keepFor(channels: Iterable<string>): void {
    const needed = new Set<FeedEnd | undefined>();
    for (const channel of channels) needed.add(this.newestOf(channel));
    this.ends = this.ends.filter((end) => needed.has(end));
  }

  private newestOf(channel: string): FeedEnd | undefined {
    return this.ends.findLast((end) => end.of(channel) !== undefined);
  }
}
