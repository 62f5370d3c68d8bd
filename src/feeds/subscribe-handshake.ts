import type { Clock } from '../core/clock.ts';
import { Message } from '../core/message.ts';
import { formatDuration } from '../core/units.ts';
import { HeldMessages } from './held-messages.ts';
import type { Opening } from './opening-texts.ts';

/** Why there is no subscription, without the last message of the server: it may contain secrets. */
export interface SubscribeFailure {
  /** `silent`: no reply came in time. */
  readonly kind: 'refused' | 'silent';
  readonly why: string;
}

export interface SubscribeHandshakeOptions {
  readonly opening: Opening;
  readonly clock: Clock;
  readonly send: (text: string) => void;
  readonly done: () => void;
  readonly failed: (failure: SubscribeFailure) => void;
  /** A message that is not a reply, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
  /** A message that came before the handshake failed: an answer of the server, not data. */
  readonly dropped: (data: Buffer) => void;
}

type Verdict = 'reply' | 'refusal' | 'other';

/**
 * Sends the messages of `subscribe` after each connect, in order, and waits for their replies. A reply is not passed on.
 * Any other message is held until the last reply has come, and is then passed on as data; if the server refuses or closes
 * before that, the held messages were its answers and are dropped.
 */
export class SubscribeHandshake {
  /** The last message of the server that was not a reply. */
  lastHeard: Buffer | undefined;
  private readonly options: SubscribeHandshakeOptions;
  private readonly held: HeldMessages;
  private state: 'open' | 'done' | 'failed' = 'open';
  private at = 0;
  private cancelTimer: () => void = () => {};
  /** Messages behind one whose expression is still being evaluated. */
  private readonly waiting: { readonly data: Buffer; readonly binary: boolean }[] = [];
  private isEvaluating = false;

  constructor(options: SubscribeHandshakeOptions) {
    this.options = options;
    this.held = new HeldMessages(options);
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  start(): void {
    this.next();
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    if (this.isEvaluating) this.waiting.push({ data, binary });
    else this.evaluate(data, binary);
  }

  /** The connection ends. */
  end(): void {
    this.cancelTimer();
    if (this.state === 'open') this.fail();
  }

  /** Sends up to the next message that waits for a reply. A message without its value is not sent, and no reply is waited for. */
  private next(): void {
    const { opening, send, done, clock } = this.options;
    const { steps, resume } = opening;
    for (let step = steps[this.at]; step !== undefined; step = steps[this.at]) {
      const { text } = step;
      if (text !== undefined) send(text);
      if (text !== undefined && step.expect !== undefined) {
        const { timeout } = step;
        this.cancelTimer = clock.after(timeout, () => this.timedOut(timeout));
        return;
      }
      this.at += 1;
    }
    if (resume !== undefined) send(resume);
    this.state = 'done';
    done();
    this.held.release();
  }

  private evaluate(data: Buffer, binary: boolean): void {
    const verdict = this.state === 'open' ? this.verdictOn(data) : 'other';
    if (!(verdict instanceof Promise)) {
      this.decide(verdict, data, binary);
      return;
    }
    this.isEvaluating = true;
    // A matcher never rejects; `decide` calls the connection, which handles its own errors.
    void verdict.then((made) => {
      this.isEvaluating = false;
      this.decide(made, data, binary);
      while (!this.isEvaluating) {
        const following = this.waiting.shift();
        if (following === undefined) return;
        this.evaluate(following.data, following.binary);
      }
    });
  }

  /** `reject` is asked first: a refusal may match `expect`, too, such as `{"op":"login","success":false}`. */
  private verdictOn(data: Buffer): Verdict | Promise<Verdict> {
    const { expect, reject } = this.options.opening.steps[this.at] ?? {};
    const message = new Message(data);
    const replied = () => {
      const isReply = expect?.(message) ?? false;
      return isReply instanceof Promise ? isReply.then(replyOrOther) : replyOrOther(isReply);
    };
    const isRefusal = reject?.(message) ?? false;
    if (isRefusal instanceof Promise) return isRefusal.then((is) => (is ? 'refusal' : replied()));
    return isRefusal ? 'refusal' : replied();
  }

  private decide(verdict: Verdict, data: Buffer, binary: boolean): void {
    if (this.state === 'failed') {
      this.options.dropped(data);
      return;
    }
    if (this.state === 'done') {
      this.options.pass(data, binary);
      return;
    }
    if (verdict === 'reply') {
      this.cancelTimer();
      this.at += 1;
      this.next();
      return;
    }
    this.lastHeard = data;
    if (verdict === 'other') this.held.push(data, binary);
    else this.failed('refused', `the server refuses message ${this.at + 1} of subscribe`);
  }

  private timedOut(timeout: number): void {
    const why = `no reply to message ${this.at + 1} of subscribe came within ${formatDuration(timeout)}`;
    this.failed('silent', why);
  }

  private failed(kind: SubscribeFailure['kind'], why: string): void {
    this.cancelTimer();
    this.fail();
    this.options.failed({ kind, why });
  }

  private fail(): void {
    this.state = 'failed';
    this.held.drop();
  }
}

function replyOrOther(isReply: boolean): Verdict {
  return isReply ? 'reply' : 'other';
}
