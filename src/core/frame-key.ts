/** What a frame is the newest value of, kept at the frame itself: its queues need no list of keys. */
const KEY = Symbol('key');
type KeyedFrame = Buffer & { [KEY]?: string };

/**
 * The frame of a record with that key. It is the frame itself, or, where that is the frame of an earlier record, one that
 * shares its bytes.
 */
export function withKey(frame: Buffer, key: string | undefined): Buffer {
  const own: KeyedFrame = hasKey(frame) ? frame.subarray() : frame;
  // A frame without a key says so: it may be that of a later record, too.
  own[KEY] = key;
  return own;
}

/** undefined for a frame that no other takes the place of. */
export function keyOfFrame(frame: Buffer): string | undefined {
  return (frame as KeyedFrame)[KEY];
}

function hasKey(frame: Buffer): boolean {
  return KEY in frame;
}
