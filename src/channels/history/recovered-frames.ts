import type { ChannelEndpoint } from '../../actors/endpoint/channel-port.ts';
import type { Message } from '../../core/message.ts';
import type { SharedFrame } from '../../core/shared-frame.ts';
import type { FeedPartition } from './feed-partition.ts';

/** Frames of records that were read again: made once for all clients that get the record, and kept as long as that is. */
export class RecoveredFrames {
  private readonly endpoint: Pick<ChannelEndpoint, 'recovered'>;
  /** By the record and the channel. */
  private readonly frames = new WeakMap<Message, Map<string, SharedFrame | null>>();

  constructor(endpoint: Pick<ChannelEndpoint, 'recovered'>) {
    this.endpoint = endpoint;
  }

  /** Null: not for clients. `place`: where the channel is, which is the same for all who get that record. */
  of(channel: string, message: Message, place: FeedPartition): SharedFrame | null {
    const made = this.frames.get(message) ?? new Map<string, SharedFrame | null>();
    this.frames.set(message, made);
    let frame = made.get(channel);
    if (frame === undefined) {
      const { offset } = message.source ?? message;
      frame = this.endpoint.recovered(channel, message, place.at(offset + 1));
      made.set(channel, frame);
    }
    return frame;
  }
}
