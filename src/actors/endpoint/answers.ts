import { AnswerQueue } from '../../core/answer-queue.ts';
import type { Outbound } from './outbound.ts';

/** A peer that leaves so many bytes of answers is not read until it takes them, and what it has sent already is not answered. */
const ANSWERS_MARK = 262_144;

/** Where answers go that are due. */
type Out = Pick<Outbound, 'isOpen' | 'push' | 'untakenAnswers' | 'isTurnFull'>;

/**
 * What a connection still has to say: answers in the order of the frames, for codecs that answer, and requests whose
 * outcome comes in any order. Neither list is there while nothing is due: most connections are silent most of the time.
 */
export class Answers {
  private readonly outbound: Out;
  private inOrder: AnswerQueue | undefined;
  private requests: Map<number, unknown> | undefined;
  private lastRequest = 0;

  constructor(outbound: Out) {
    this.outbound = outbound;
  }

  /** Bytes of answers that wait for one before them. */
  get waitingBytes(): number {
    return this.inOrder === undefined ? 0 : this.inOrder.bytes;
  }

  /** Whether the peer leaves so many, or has got so many in this turn, that it gets no more now. */
  get areMany(): boolean {
    return this.untakenBytes > ANSWERS_MARK || this.outbound.isTurnFull;
  }

  /** Whether so few are left that the peer may be asked for more. */
  get areFew(): boolean {
    return this.untakenBytes <= ANSWERS_MARK / 2;
  }

  /** Bytes of answers that the peer has not taken, those included that wait for one before them. */
  private get untakenBytes(): number {
    return this.outbound.untakenAnswers + this.waitingBytes;
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
    if (this.outbound.isOpen) this.outbound.push(frame);
  }

  /** Puts an answer in its place, null for none, and sends all that are due now. */
  fill(slot: number, answer: Buffer | null): void {
    const { inOrder } = this;
    if (inOrder === undefined) return;
    inOrder.fill(slot, answer);
    if (this.outbound.isOpen) inOrder.takeReady(this.outbound);
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
