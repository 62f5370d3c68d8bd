import { keyOfFrame, withKey } from './frame-key.ts';

/** Which channel a frame is of, kept at the frame itself as its key is. */
const CHANNEL = Symbol('channel');
type ChannelFrame = Buffer & { [CHANNEL]?: string };

/**
 * The frame of a record in that channel. It is the frame itself, or, where that is one of another channel, one that shares its
 * bytes and has its key.
 */
export function inChannel(frame: Buffer, channel: string): Buffer {
  const known = channelOfFrame(frame);
  if (known === channel) return frame;
  const own: ChannelFrame = known === undefined ? frame : withKey(frame.subarray(), keyOfFrame(frame));
  own[CHANNEL] = channel;
  return own;
}

/** undefined for a frame that is for all clients, or an answer. */
export function channelOfFrame(frame: Buffer): string | undefined {
  return (frame as ChannelFrame)[CHANNEL];
}
