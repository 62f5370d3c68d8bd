import { AnswerQueue } from '../../core/answer-queue.ts';

/** Where answers of a connection go that are due. */
export interface AnswerSink {
  /** Whether anybody is there to hear them. */
  readonly isOpen: boolean;
  /** Where to put what leaves at the end of the turn. */
  openOutbox(): Buffer[];
}

/**
 * What a connection still has to say: answers in the order of the frames, for codecs that answer, and requests whose
 * outcome comes in any order. Neither list is there while nothing is due: most connections are silent most of the time.
 */
export class Answers {
  private readonly sink: AnswerSink;
  private inOrder: AnswerQueue | undefined;
  private requests: Map<number, unknown> | undefined;
  private lastRequest = 0;

  constructor(sink: AnswerSink) {
    this.sink = sink;
  }

  /** Keeps a place for an answer; returns its number. */
  open(correlation: unknown): number {
    this.inOrder ??= new AnswerQueue();
    return this.inOrder.open(correlation);
  }

  correlation(slot: number): unknown {
    return this.inOrder?.correlation(slot);
  }

  /** Says something in the order of the frames: at once where no answer is due before it. */
  say(frame: Buffer): void {
    if (this.inOrder !== undefined) this.fill(this.open(undefined), frame);
    else this.sayNow(frame);
  }

  /** Says something that has no place among the answers. */
  sayNow(frame: Buffer): void {
    if (this.sink.isOpen) this.sink.openOutbox().push(frame);
  }

  /** Puts an answer in its place, null for none, and whatever is due now on its way. */
  fill(slot: number, answer: Buffer | null): void {
    const { inOrder } = this;
    if (inOrder === undefined) return;
    inOrder.fill(slot, answer);
    if (this.sink.isOpen) inOrder.takeReady(this.sink.openOutbox());
    if (inOrder.pending === 0) this.inOrder = undefined;
  }

  /** Remembers a request until its outcome is known; returns its number. */
  remember(correlation: unknown): number {
    this.requests ??= new Map();
    this.lastRequest += 1;
    this.requests.set(this.lastRequest, correlation);
    return this.lastRequest;
  }

  recall(request: number): unknown {
    const correlation = this.requests?.get(request);
    this.requests?.delete(request);
    return correlation;
  }
}
