import { FrameGroup, type SharedFrame } from '../../core/shared-frame.ts';

/** What a turn of the event loop has gathered goes on at its end. */
export interface TickEnd<M> {
  /** Messages that connections have read. */
  passOn(messages: readonly M[]): void;
  /** Frames for every member, in order: one chunk a member. Empty where there are only such for some members. */
  fanOut(group: FrameGroup): void;
  /** One of these, or the writing of answers, threw, which no one further up could make good. */
  tickFailed(error: unknown): void;
}

interface Flushed {
  flush(): void;
}

/**
 * At this size a batch goes on before the turn ends: Node reads a busy socket up to 32 times in one turn, 2 MiB, and the gate
 * cannot shut before the messages reach it.
 */
const MAX_BATCH = { messages: 1_024, bytes: 262_144 };

/**
 * Gathers what one turn of the event loop brings, and hands it on once, after everything that this turn's reads brought
 * (a microtask would see one frame at a time).
 */
export class TickBatch<M extends { readonly payload: Uint8Array }> {
  private readonly end: TickEnd<M>;
  private messages: M[] = [];
  private bytes = 0;
  private frames: SharedFrame[] = [];
  private scheduled: Flushed[] = [];
  private isMarked = false;
  private isPlanned = false;
  private isHurried = false;

  constructor(end: TickEnd<M>) {
    this.end = end;
  }

  collect(message: M): void {
    this.messages.push(message);
    this.bytes += message.payload.length;
    if (this.messages.length >= MAX_BATCH.messages || this.bytes >= MAX_BATCH.bytes) this.hurry();
    this.plan();
  }

  /** A frame for every member. */
  tell(frame: SharedFrame): void {
    this.frames.push(frame);
    this.plan();
  }

  /** Frames for every member that wait. */
  get told(): number {
    return this.frames.length;
  }

  /** There are frames for some members, which its end keeps. */
  mark(): void {
    this.isMarked = true;
    this.plan();
  }

  /** The writing side of a socket has answers, which it is to write when all else of the tick has gone on. */
  schedule(outbound: Flushed): void {
    this.scheduled.push(outbound);
    this.plan();
  }

  /** Sends frames out before the turn ends: they are for those who are members by now. */
  fanOut(): void {
    const { frames } = this;
    if (frames.length === 0 && !this.isMarked) return;
    this.frames = [];
    this.isMarked = false;
    this.end.fanOut(new FrameGroup(frames));
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    setImmediate(() => this.finish());
  }

  /** After this read of the socket, and before the next. */
  private hurry(): void {
    if (this.isHurried) return;
    this.isHurried = true;
    process.nextTick(() => {
      this.isHurried = false;
      this.attempt(() => this.passOn());
    });
  }

  private passOn(): void {
    const { messages } = this;
    if (messages.length === 0) return;
    this.messages = [];
    this.bytes = 0;
    this.end.passOn(messages);
  }

  private finish(): void {
    this.isPlanned = false;
    this.attempt(() => this.passOn());
    this.attempt(() => this.fanOut());
    const { scheduled } = this;
    this.scheduled = [];
    for (const outbound of scheduled) this.flush(outbound);
  }

  private flush(outbound: Flushed): void {
    try {
      outbound.flush();
    } catch (error) {
      this.end.tickFailed(error);
    }
  }

  /** What one part of a turn throws must not take the others, and the process, with it. */
  private attempt(part: () => void): void {
    try {
      part();
    } catch (error) {
      this.end.tickFailed(error);
    }
  }
}
