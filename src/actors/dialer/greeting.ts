import type { Clock } from '../../core/clock.ts';
import { Message, type Meta } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';
import type { Step } from '../../sdk/remote.ts';
import type { Template } from '../../sdk/template.ts';

/** Characters of a server's last message that are remembered. */
const QUOTED = 200;

export interface GreetingOptions {
  readonly steps: readonly Step[];
  /** Sent at the end, where there is something to go on with. */
  readonly last?: Template | undefined;
  /** What templates may use: `cursor` and `token`. */
  readonly values: Meta;
  readonly clock: Clock;
  readonly send: (text: string) => void;
  readonly done: () => void;
  /** `heard`: the beginning of what the server said last, which is nothing for a log that many read. */
  readonly failed: (why: string, heard: string) => void;
}

/**
 * What is said after each connect, in order. A reply that is waited for belongs to this conversation and goes nowhere
 * else; any other message that comes meanwhile goes on as data.
 */
export class Greeting {
  private readonly options: GreetingOptions;
  private readonly subject: Message;
  private at = 0;
  private isOver = false;
  private lastHeard = '';
  private cancelTimer: () => void = () => {};
  /** Messages behind one that is still being looked at. */
  private readonly waiting: Array<() => void> = [];
  private isLooking = false;

  constructor(options: GreetingOptions) {
    this.options = options;
    this.subject = new Message(Buffer.alloc(0), { meta: options.values });
  }

  start(): void {
    this.next();
  }

  /** Takes a message of the server; `pass` is called for what is no reply, in the order it came. */
  take(data: Buffer, pass: () => void): void {
    if (this.isLooking) this.waiting.push(() => this.look(data, pass));
    else this.look(data, pass);
  }

  /** Ends the conversation; what is still looked at goes on as data. */
  end(): void {
    this.isOver = true;
    this.cancelTimer();
  }

  /** Says what may be said now. */
  private next(): void {
    const { steps, last, send, done, clock } = this.options;
    for (let step = steps[this.at]; step !== undefined; step = steps[this.at]) {
      const text = step.send(this.subject);
      if (text !== undefined) send(text);
      if (step.expect !== undefined) {
        const { timeout } = step;
        this.cancelTimer = clock.after(timeout, () => this.timedOut(timeout));
        return;
      }
      this.at += 1;
    }
    const text = this.options.values.cursor === undefined ? undefined : last?.(this.subject);
    if (text !== undefined) send(text);
    this.end();
    done();
  }

  private look(data: Buffer, pass: () => void): void {
    const expect = this.isOver ? undefined : this.options.steps[this.at]?.expect;
    if (expect === undefined) {
      pass();
      return;
    }
    const verdict = expect(new Message(data));
    if (!(verdict instanceof Promise)) {
      this.decide(verdict, data, pass);
      return;
    }
    this.isLooking = true;
    // A matcher never rejects; `decide` calls back into the connection, whose errors are its own.
    void verdict.then((isReply) => {
      this.isLooking = false;
      this.decide(isReply, data, pass);
      while (!this.isLooking) {
        const following = this.waiting.shift();
        if (following === undefined) return;
        following();
      }
    });
  }

  private decide(isReply: boolean, data: Buffer, pass: () => void): void {
    if (!isReply || this.isOver) {
      this.lastHeard = data.toString('utf8', 0, QUOTED);
      pass();
      return;
    }
    this.cancelTimer();
    this.at += 1;
    this.next();
  }

  private timedOut(timeout: number): void {
    this.end();
    const { failed } = this.options;
    failed(`no reply to message ${this.at + 1} of subscribe came within ${formatDuration(timeout)}`, this.lastHeard);
  }
}
