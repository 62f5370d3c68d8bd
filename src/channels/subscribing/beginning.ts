import type { ChannelPosition } from '../../core/channel-position.ts';
import type { FeedPartition } from '../history/feed-partition.ts';
import type { PlacedFrame } from '../history/kept-channel.ts';
import type { SubscribedClient } from '../subscribers/subscribed-client.ts';

/** Subscriptions of a client that begin together. */
export interface Beginning {
  readonly member: SubscribedClient;
  /** The one that it asks for; or those of one partition that it joins, as a position may be one in all of them. */
  readonly channels: readonly string[];
  /** Undefined where they have no positions. */
  readonly place: FeedPartition | undefined;
  /** What the client shows; null: it shows something else. */
  readonly since: ChannelPosition | null | undefined;
  readonly correlation: unknown;
  /** Whether a frame asks for it. */
  readonly isAsked: boolean;
}

/** What a client has missed of one channel. */
export class MissedPart {
  readonly channel: string;
  /** What was read of it again. */
  readonly read: PlacedFrame[] = [];
  /** What has not been read begins there. */
  from: number;

  constructor(channel: string, from: number) {
    this.channel = channel;
    this.from = from;
  }
}

/** What a client has missed of the channels that it comes into. */
export interface Missed {
  readonly place: FeedPartition;
  /** Where it begins. */
  readonly offset: number;
  parts: MissedPart[];
}

/** Whether this gateway has read as far as the client has. */
export function isHere({ place, offset }: Missed): boolean {
  return offset <= place.next;
}
