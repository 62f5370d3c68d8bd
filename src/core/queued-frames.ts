import { keyOfFrame } from './frame-key.ts';

/** How often a frame waits, kept at the frame itself: a map of all of them costs more for each. */
const HOLDERS = Symbol('holders');
type HeldFrame = Buffer & { [HOLDERS]?: number };

/** What a frame costs besides its bytes: the Buffer, and what it keeps of Node's pool of small buffers. */
const FRAME = 256;
/** What a place in a queue costs. */
const PLACE = 16;
/** What a place costs where frames are found by their keys, in a map that may be half empty. */
export const KEYED_PLACE = 96;

/**
 * What frames weigh that wait in the queues of a gateway. A frame of a broadcast is one piece of memory, however many
 * clients have not taken it yet.
 */
export class QueuedFrames {
  /** Bytes that all of them take together. */
  bytes = 0;
  private readonly changed: () => void;

  /** `changed` is called when `bytes` has changed. */
  constructor(changed: () => void = () => {}) {
    this.changed = changed;
  }

  /** The frame waits in one place more, which costs so many bytes. */
  hold(frame: Buffer, place = PLACE): void {
    const holders = (frame as HeldFrame)[HOLDERS] ?? 0;
    (frame as HeldFrame)[HOLDERS] = holders + 1;
    this.bytes += holders === 0 ? weightOf(frame) + place : place;
    this.changed();
  }

  /** The frame waits in one place less; `place` as it was held with. */
  release(frame: Buffer, place = PLACE): void {
    const holders = ((frame as HeldFrame)[HOLDERS] ?? 1) - 1;
    (frame as HeldFrame)[HOLDERS] = holders;
    this.bytes -= holders === 0 ? weightOf(frame) + place : place;
    this.changed();
  }

  /** The part of a frame that falls to one of the places where it waits, in bytes. */
  static share(frame: Buffer, place = PLACE): number {
    return weightOf(frame) / Math.max((frame as HeldFrame)[HOLDERS] ?? 1, 1) + place;
  }
}

function weightOf(frame: Buffer): number {
  // Characters take two bytes at most.
  return frame.length + FRAME + 2 * (keyOfFrame(frame)?.length ?? 0);
}
