import type { FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import { partitionOfKey } from '../../core/partitioner.ts';
import type { FeedNames } from './feed-names.ts';

/** In which partitions the channels of a feed are, in one life of its topic, each partition with an offset. */
export class FeedPlaces implements FeedEnd {
  readonly epoch: string;
  private readonly names: readonly FeedNames[];
  private readonly positions: ChannelPosition[];

  /** `offsets`: by partition. */
  constructor(names: readonly FeedNames[], epoch: string, offsets: readonly number[]) {
    this.names = names;
    this.epoch = epoch;
    this.positions = offsets.map((offset, partition) => ({ epoch, partition, offset }));
  }

  /** Undefined for a channel that the feed does not call so. */
  of(channel: string): ChannelPosition | undefined {
    const { positions } = this;
    const names = this.names.find((one) => one.has(channel));
    if (names === undefined) return undefined;
    return positions.length === 1 ? positions[0] : positions[partitionOfKey(names.keyOf(channel), positions.length)];
  }

  in(partition: number): ChannelPosition | undefined {
    return this.positions[partition];
  }

  /** Returns where that is. */
  move(partition: number, offset: number): ChannelPosition {
    const at = { epoch: this.epoch, partition, offset };
    this.positions[partition] = at;
    return at;
  }

  /** The same partitions at other offsets. */
  at(offsets: readonly number[]): FeedPlaces {
    return new FeedPlaces(this.names, this.epoch, offsets.slice(0, this.positions.length));
  }
}
