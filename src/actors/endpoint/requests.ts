import { Fifo } from '../../core/fifo.ts';
import type { TopicRequest } from '../../core/topic-request.ts';

export type AskedRequest = Exclude<TopicRequest, { type: 'publish' }>;

/** A request that is not answered yet. */
export interface PendingRequest {
  readonly request: AskedRequest;
  /** The codec's own. */
  readonly correlation: unknown;
  /** Bytes that it counts for until it is answered. */
  readonly cost: number;
}

/** The peer whose requests these are. */
export interface RequestsOwner {
  /** Whether the peer has taken what it was answered so far. Where it has not, `next` is called when it has. */
  readonly takesAnswers: boolean;
  /** Has it done; the answer comes by `respond` or `show`. */
  ask(pending: PendingRequest): void;
}

/** What a request counts for beside its frame. */
const REQUEST = 256;

/**
 * What a peer has asked the topic service. Requests go on at once, as their answers are no larger than they are. The
 * answer to a question about what there is may be megabytes long, so these are asked one after the other, each once
 * the peer has taken the answer to the one before.
 */
export class Requests {
  /** Requests that are not answered yet, and the bytes that they count for. */
  count = 0;
  bytes = 0;
  private readonly owner: RequestsOwner;
  private questions: Fifo<PendingRequest> | undefined;
  private asked: PendingRequest | undefined;
  private isPlanned = false;

  constructor(owner: RequestsOwner) {
    this.owner = owner;
  }

  /** `size`: bytes of the frame. */
  begin(request: AskedRequest, correlation: unknown, size: number): void {
    const pending = { request, correlation, cost: size + REQUEST };
    this.count += 1;
    this.bytes += pending.cost;
    if (!isQuestion(request)) {
      this.owner.ask(pending);
      return;
    }
    this.questions ??= new Fifo();
    this.questions.push(pending);
    this.next();
  }

  /** The request is answered. */
  end(pending: PendingRequest): void {
    this.count -= 1;
    this.bytes -= pending.cost;
    if (pending !== this.asked) return;
    this.asked = undefined;
    // A peer that takes answers as fast as they are made must not keep the event loop from turning.
    if (this.questions === undefined || this.isPlanned) return;
    this.isPlanned = true;
    setImmediate(() => {
      this.isPlanned = false;
      this.next();
    });
  }

  /** Asks the next question, if it is time. */
  next(): void {
    if (this.asked !== undefined || this.isPlanned || this.questions === undefined || !this.owner.takesAnswers) return;
    this.asked = this.questions.shift();
    if (this.questions.length === 0) this.questions = undefined;
    if (this.asked !== undefined) this.owner.ask(this.asked);
  }

  /** The peer is gone: requests that have not begun never will. */
  abandon(): void {
    this.questions = undefined;
  }
}

function isQuestion({ type }: AskedRequest): boolean {
  return type === 'list' || type === 'health';
}
