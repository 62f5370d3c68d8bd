import type { Clock } from '../../core/clock.ts';
import { Message } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';
import type { Step } from '../../sdk/remote.ts';
import type { Template } from '../../sdk/template.ts';
import { HeldMessages } from './held-messages.ts';

/** Why there is no subscription, without the last message of the server: that may hold secrets. */
export interface GreetingFailure {
  /** `silent`: no reply came in time. */
  readonly kind: 'refused' | 'silent';
  readonly why: string;
}

export interface GreetingOptions {
  readonly steps: readonly Step[];
  /** Sent at the end, where there is something to go on with. */
  readonly last?: Template | undefined;
  /** What templates may use: `meta.cursor` and `meta.token`. */
  readonly values: Message;
  readonly clock: Clock;
  readonly send: (text: string) => void;
  readonly done: () => void;
  readonly failed: (failure: GreetingFailure) => void;
  /** A message that is no reply, in the order they came. */
  readonly pass: (data: Buffer, binary: boolean) => void;
  /** A message that came before the subscription failed: an answer of the server, and no data. */
  readonly dropped: (data: Buffer) => void;
}

type Verdict = 'reply' | 'refusal' | 'other';

/**
 * What is said after each connect, in order. A reply that is waited for belongs to this conversation and goes nowhere
 * else. Any other message is held back until the last reply has come, and then goes on as data; where the server
 * refuses, or says goodbye before, it was an answer and is dropped.
 */
export class Greeting {
  /** What the server said last that was no reply. */
  lastHeard: Buffer | undefined;
  private readonly options: GreetingOptions;
  private readonly held: HeldMessages;
  private state: 'talking' | 'done' | 'failed' = 'talking';
  private at = 0;
  private cancelTimer: () => void = () => {};
  /** Messages behind one that is still being looked at. */
  private readonly waiting: { readonly data: Buffer; readonly binary: boolean }[] = [];
  private isLooking = false;

  constructor(options: GreetingOptions) {
    this.options = options;
    this.held = new HeldMessages(options);
  }

  get isTalking(): boolean {
    return this.state === 'talking';
  }

  start(): void {
    this.next();
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    if (this.isLooking) this.waiting.push({ data, binary });
    else this.look(data, binary);
  }

  /** The connection is no more. */
  end(): void {
    this.cancelTimer();
    if (this.state === 'talking') this.fail();
  }

  /** Says what may be said now. A message without a value for its text is not sent, and no reply to it is waited for. */
  private next(): void {
    const { steps, last, values, send, done, clock } = this.options;
    for (let step = steps[this.at]; step !== undefined; step = steps[this.at]) {
      const text = step.send(values);
      if (text !== undefined) send(text);
      if (text !== undefined && step.expect !== undefined) {
        const { timeout } = step;
        this.cancelTimer = clock.after(timeout, () => this.timedOut(timeout));
        return;
      }
      this.at += 1;
    }
    const text = values.meta.cursor === undefined ? undefined : last?.(values);
    if (text !== undefined) send(text);
    this.state = 'done';
    done();
    this.held.release();
  }

  private look(data: Buffer, binary: boolean): void {
    const verdict = this.state === 'talking' ? this.verdictOn(data) : 'other';
    if (!(verdict instanceof Promise)) {
      this.decide(verdict, data, binary);
      return;
    }
    this.isLooking = true;
    // A matcher never rejects; `decide` calls back into the connection, whose errors are its own.
    void verdict.then((made) => {
      this.isLooking = false;
      this.decide(made, data, binary);
      while (!this.isLooking) {
        const following = this.waiting.shift();
        if (following === undefined) return;
        this.look(following.data, following.binary);
      }
    });
  }

  /** A refusal may look like a reply, too, such as `{"op":"login","success":false}`. */
  private verdictOn(data: Buffer): Verdict | Promise<Verdict> {
    const { expect, reject } = this.options.steps[this.at] ?? {};
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

  private failed(kind: GreetingFailure['kind'], why: string): void {
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
