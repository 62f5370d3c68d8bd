import { Fifo } from '../../core/fifo.ts';
import { Message } from '../../core/message.ts';
import { Backlog, type BacklogHandler } from './backlog.ts';

export interface FrameQueueOptions<T> {
  /** Never throws or rejects. */
  readonly evaluate: (message: Message) => T | Promise<T>;
  /** Called for each message in the order of arrival. */
  readonly decide: (verdict: T, message: Message, binary: boolean) => void;
  readonly backlog: BacklogHandler;
}

interface WaitingFrame {
  readonly data: Buffer;
  readonly binary: boolean;
}

type Waiting = WaitingFrame | (() => void);

/** Evaluates an expression for each message, one after the other: at once, unless JSONata is needed. */
export class FrameQueue<T> {
  private readonly options: FrameQueueOptions<T>;
  private readonly backlog: Backlog;
  private readonly waiting = new Fifo<Waiting>();
  private isEvaluating = false;

  constructor(options: FrameQueueOptions<T>) {
    this.options = options;
    this.backlog = new Backlog(options.backlog);
  }

  /** Whether no message waits. */
  get isIdle(): boolean {
    return !this.isEvaluating && this.waiting.length === 0;
  }

  take(data: Buffer, binary: boolean): void {
    if (this.isIdle) {
      this.evaluate(data, binary);
      return;
    }
    this.waiting.push({ data, binary });
    this.backlog.add(data.length);
  }

  /** Does this once all messages so far are decided. */
  inTurn(work: () => void): void {
    if (this.isIdle) work();
    else this.waiting.push(work);
  }

  /** Forgets what waits. */
  clear(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift())
      if (typeof next !== 'function') this.backlog.remove(next.data.length);
  }

  private evaluate(data: Buffer, binary: boolean): void {
    const { evaluate, decide } = this.options;
    const message = new Message(data);
    const verdict = evaluate(message);
    if (!(verdict instanceof Promise)) {
      decide(verdict, message, binary);
      return;
    }
    this.isEvaluating = true;
    void verdict.then((made) => {
      this.isEvaluating = false;
      decide(made, message, binary);
      this.catchUp();
    });
  }

  private catchUp(): void {
    while (!this.isEvaluating) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (typeof next === 'function') {
        next();
        continue;
      }
      this.backlog.remove(next.data.length);
      this.evaluate(next.data, next.binary);
    }
  }
}
