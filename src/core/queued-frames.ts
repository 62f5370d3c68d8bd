/** How often a frame waits, kept at the frame itself: a map of all of them costs more for each. */
const HOLDERS = Symbol('holders');
type HeldFrame = Buffer & { [HOLDERS]?: number };

/** What a frame costs besides its bytes: the Buffer, and what it keeps of Node's pool of small buffers. */
const FRAME = 256;
/** What a place in a queue costs. */
const PLACE = 16;

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

  /** The frame waits in one place more. */
  hold(frame: Buffer): void {
    const holders = (frame as HeldFrame)[HOLDERS] ?? 0;
    (frame as HeldFrame)[HOLDERS] = holders + 1;
    this.bytes += holders === 0 ? frame.length + FRAME + PLACE : PLACE;
    this.changed();
  }

  /** The frame waits in one place less. */
  release(frame: Buffer): void {
    const holders = ((frame as HeldFrame)[HOLDERS] ?? 1) - 1;
    (frame as HeldFrame)[HOLDERS] = holders;
    this.bytes -= holders === 0 ? frame.length + FRAME + PLACE : PLACE;
    this.changed();
  }

  /** The part of a frame that falls to one of the places where it waits, in bytes. */
  static share(frame: Buffer): number {
    return (frame.length + FRAME) / Math.max((frame as HeldFrame)[HOLDERS] ?? 1, 1) + PLACE;
  }
}
