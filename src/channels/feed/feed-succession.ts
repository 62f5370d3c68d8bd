import type { ChannelFeed } from '../../core/channel-feed.ts';

/** A feed that can be let go of by the channels that it was for. */
export interface EndingFeed extends Pick<ChannelFeed, 'name'> {
  detach(): void;
}

interface Line {
  newest: EndingFeed;
  /** How many of them have not ended. */
  current: number;
}

/**
 * Feeds of one name that follow each other: that of a pipeline, and that of the pipeline which takes its place at a reload, and is
 * made in the turn in which this one ends. What is kept of their channels goes when the last of them has ended.
 */
export class FeedSuccession {
  private readonly lines = new Map<string, Line>();

  began(feed: EndingFeed): void {
    const line = this.lines.get(feed.name);
    if (line === undefined) this.lines.set(feed.name, { newest: feed, current: 1 });
    else {
      line.newest = feed;
      line.current += 1;
    }
  }

  ended({ name }: EndingFeed): void {
    const line = this.lines.get(name);
    if (line === undefined) return;
    line.current -= 1;
    queueMicrotask(() => {
      if (line.current > 0 || this.lines.get(name) !== line) return;
      this.lines.delete(name);
      line.newest.detach();
    });
  }
}
