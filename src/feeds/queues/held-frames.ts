const MAX_FRAMES = 10_000;
const MAX_BYTES = 16 * 1_024 * 1_024;

/** A message, and the number of the connection that received it. */
export interface ReceivedFrame {
  readonly data: Buffer;
  readonly binary: boolean;
  readonly connection: number;
  /** Otherwise it is passed on for its number alone. */
  readonly isRecord: boolean;
}

interface Held {
  readonly key: string;
  readonly frame: ReceivedFrame;
}

/** Messages that wait, in the order of arrival; they can be found by their keys, the oldest of a key first. */
export class HeldFrames {
  private readonly held = new Map<number, Held>();
  private readonly byKey = new Map<string, number[]>();
  private count = 0;
  private bytes = 0;

  /** false if there is no room. */
  push(key: string, frame: ReceivedFrame): boolean {
    if (this.held.size >= MAX_FRAMES || this.bytes + frame.data.length > MAX_BYTES) return false;
    this.count += 1;
    this.bytes += frame.data.length;
    this.held.set(this.count, { key, frame });
    const numbers = this.byKey.get(key);
    if (numbers === undefined) this.byKey.set(key, [this.count]);
    else numbers.push(this.count);
    return true;
  }

  take(key: string): ReceivedFrame | undefined {
    const numbers = this.byKey.get(key);
    const number = numbers?.shift();
    if (number === undefined) return undefined;
    if (numbers?.length === 0) this.byKey.delete(key);
    const frame = this.held.get(number)?.frame;
    this.held.delete(number);
    this.bytes -= frame?.data.length ?? 0;
    return frame;
  }

  /** Removes and returns all of them. */
  clear(): [key: string, frame: ReceivedFrame][] {
    const all = [...this.held.values()].map(({ key, frame }): [string, ReceivedFrame] => [key, frame]);
    this.held.clear();
    this.byKey.clear();
    this.bytes = 0;
    return all;
  }
}
