import { QueuedFrames } from './queued-frames.ts';

/** A socket that is not read because `memory.limit` is reached. */
export interface WaitingReader {
  /** Reads again. */
  feed(): void;
}

/** Of the limit: a reader that waits goes on below it, so that cuts and releases come in portions. */
const LOW_MARK = 7 / 8;
/** What a reader that goes on may bring before it can be paused again: a read chunk of Node. */
const A_READ = 65_536;
/** Of the limit: what may be read of sockets whose gate is shut. */
const BEYOND_GATES = 1 / 8;
/** What a reader may have brought beyond the limit when it was paused: a read chunk, and the rest of a block. */
const BEYOND = A_READ + 16_384;

/**
 * What is held for the clients of a gateway, against `memory.limit`: unfinished messages, as what they cost, and what
 * waits to be sent, each frame once. At the limit readers of unfinished messages wait, which costs no client its
 * connection; `onExcess` is for what cannot be made to wait.
 */
export class ClientMemory {
  /** Bytes. */
  readonly limit: number;
  readonly queued: QueuedFrames;
  /** Called once, at the end of a turn in which more came than the limit allows; `enforced` arms it again. */
  onExcess: () => void = () => {};
  /** Readers that went on, ever: while some wait and this does not grow, only closing connections helps. */
  fed = 0;
  private unfinished = 0;
  private beyond = 0;
  private answers = 0;
  private recovered = 0;
  private readonly readers = new Set<WaitingReader>();
  private isAlarmed = false;
  private isFeeding = false;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
    this.queued = new QueuedFrames(() => this.changed());
  }

  /** Bytes. */
  get held(): number {
    return this.unfinished + this.beyond + this.answers + this.recovered + this.queued.bytes;
  }

  get isFull(): boolean {
    return this.held >= this.limit;
  }

  /** Whether so much is held that readers that wait must wait on. */
  get isNearlyFull(): boolean {
    return this.held > this.limit * LOW_MARK;
  }

  /** Readers that wait. */
  get waiting(): number {
    return this.readers.size;
  }

  /** Whether more is held than readers bring that are paused at the limit. */
  get isExceeded(): boolean {
    return this.held > this.limit + this.readers.size * BEYOND;
  }

  /** Bytes of unfinished messages that came, or, below zero, that are held no more. */
  read(bytes: number): void {
    this.unfinished += bytes;
    this.changed();
  }

  /** Whether sockets may be read whose gate is shut. */
  get hasRoomBeyondGates(): boolean {
    return this.beyond < this.limit * BEYOND_GATES;
  }

  /** Bytes of messages that were read though their gate is shut, or, below zero, whose gate is open again. */
  readBeyondGate(bytes: number): void {
    this.beyond += bytes;
    this.changed();
  }

  /** Bytes of answers that clients have not taken and that are in no queue, as they were counted last. */
  countedAnswers(bytes: number): void {
    this.answers = bytes;
    this.changed();
  }

  /** Bytes of records that were read again for clients which wait for all of theirs, or, below zero, that are held no more. */
  recovering(bytes: number): void {
    this.recovered += bytes;
    this.changed();
  }

  /** The reader has paused itself; `feed` is called when there is room. */
  wait(reader: WaitingReader): void {
    this.readers.add(reader);
  }

  forget(reader: WaitingReader): void {
    this.readers.delete(reader);
  }

  /** What was too much has been looked at. */
  enforced(): void {
    this.isAlarmed = false;
  }

  private changed(): void {
    if (this.held > this.limit) {
      if (this.isAlarmed || !this.isExceeded) return;
      this.isAlarmed = true;
      setImmediate(() => this.onExcess());
    } else if (this.readers.size > 0 && !this.isFeeding && !this.isNearlyFull) {
      this.isFeeding = true;
      // The caller that frees memory is in the middle of something.
      setImmediate(() => this.feed());
    }
  }

  /** As many go on as cannot fill the memory at once, those who wait longest first. */
  private feed(): void {
    this.isFeeding = false;
    let room = this.limit - this.held;
    for (const reader of this.readers) {
      if (room <= 0) return;
      room -= A_READ;
      this.readers.delete(reader);
      this.fed += 1;
      reader.feed();
    }
  }
}
