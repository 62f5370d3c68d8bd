import type { Clock } from '../../core/clock.ts';
import type { Message } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';
import type { ConnectTemplate } from '../../sdk/connect-template.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { FrameQueue } from '../queues/frame-queue.ts';
import { HeldMessages } from '../queues/held-messages.ts';
import { madeText, type ReadyStep } from './opening-texts.ts';

/** Why there is no subscription, without the last message of the server: it may contain secrets. */
export interface SubscribeFailure {
  /** `silent`: no reply came in time. */
  readonly kind: 'refused' | 'silent';
  readonly why: string;
}

export interface SubscribeHandshakeOptions {
  readonly opening: readonly ReadyStep[];
  /** What the messages are made of. */
  readonly values: () => Message;
  /** Milliseconds between two messages. */
  readonly interval: number;
  /**
   * Whether the connection is live already: nothing is held back, and after a refusal, which is reported by `failed`, the next
   * message follows.
   */
  readonly isLive?: boolean;
  /** When the first message may be sent at the earliest, by `Clock.elapsed`. */
  readonly notBefore?: number | undefined;
  readonly clock: Clock;
  /** `sent`: when it is really sent. */
  readonly send: (text: string, sent: () => void, step: Pick<ReadyStep, 'frame' | 'hasSecrets'>) => void;
  /** A reply has come that has a name. */
  readonly named: (as: string, data: Buffer) => void;
  /** A message cannot be made; `why` may contain secrets. */
  readonly notMade: (why: string) => void;
  /** No reply is waited for any more; other messages of `subscribe` may follow. */
  readonly replied: () => void;
  readonly done: () => void;
  readonly failed: (failure: SubscribeFailure) => void;
  /** Whether replies are passed on, too. */
  readonly isNumbered: boolean;
  /** A message, in the order of arrival. `isRecord`: it is not a reply. */
  readonly pass: (data: Buffer, binary: boolean, isRecord: boolean) => void;
  /** A message that came before the handshake failed: an answer of the server, not data. */
  readonly dropped: (data: Buffer) => void;
  /** Of messages that wait for `expect` or `reject`. */
  readonly backlog: BacklogHandler;
}

type Verdict = 'reply' | 'refusal' | 'other';

/**
 * Sends the messages of `subscribe` after each connect, in order, and waits for their replies. A reply is not passed on.
 * Any other message is held until the last reply has come, and is then passed on as data; if the server refuses or closes
 * before that, the held messages were its answers and are dropped. Without pace and limits everything is sent at once.
 */
export class SubscribeHandshake {
  /** The last message of the server that was not a reply. */
  lastHeard: Buffer | undefined;
  /** When the next message may be sent, by `Clock.elapsed`. */
  mayStartAt: number;
  private readonly options: SubscribeHandshakeOptions;
  private readonly held: HeldMessages;
  private state: 'open' | 'done' | 'failed' = 'open';
  private readonly steps: readonly ReadyStep[];
  private at = 0;
  /** Where the last message that waits for a reply is. */
  private readonly lastReply: number;
  private hasReplied: boolean;
  private isAwaiting = false;
  private isAdvancing = false;
  private mayAdvance = false;
  private cancelTimer: () => void = () => {};
  private readonly queue: FrameQueue<Verdict>;

  constructor(options: SubscribeHandshakeOptions) {
    this.options = options;
    this.steps = options.opening;
    this.lastReply = this.steps.findLastIndex(({ expect }) => expect !== undefined);
    this.held = new HeldMessages(options);
    this.queue = new FrameQueue({
      evaluate: (message) => (this.isAwaiting ? this.verdictOn(message) : 'other'),
      decide: (verdict, { payload }, binary) => this.decide(verdict, payload, binary),
      backlog: options.backlog,
    });
    this.hasReplied = options.isLive === true;
    this.mayStartAt = options.notBefore ?? Number.NEGATIVE_INFINITY;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  start(): void {
    this.advance();
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    if (this.state === 'done' && this.queue.isIdle) this.options.pass(data, binary, true);
    else this.queue.take(data, binary);
  }

  /** Passes a message on, in its place, that something else has taken, so that it is no record. */
  takeTaken(data: Buffer): void {
    this.queue.inTurn(() => this.passTaken(data));
  }

  /** Does this once all messages so far are decided. */
  inTurn(work: () => void): void {
    this.queue.inTurn(work);
  }

  /** The connection ends. */
  end(): void {
    this.cancelTimer();
    if (this.state === 'open') this.fail();
  }

  /** Sends messages up to the next one that has to wait. A loop, as there may be thousands. */
  private advance(): void {
    this.mayAdvance = true;
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    while (this.mayAdvance) {
      this.mayAdvance = false;
      this.next();
    }
    this.isAdvancing = false;
    if (this.hasReplied && this.state === 'open') this.held.release();
  }

  /** Sends the next message. One without its value is not sent, and no reply is waited for. */
  private next(): void {
    const { done, replied, clock } = this.options;
    while (this.steps[this.at]?.isSkipped === true) this.at += 1;
    const step = this.steps[this.at];
    if (!this.hasReplied && this.at > this.lastReply) {
      this.hasReplied = true;
      replied();
    }
    if (step === undefined) {
      this.state = 'done';
      done();
      this.held.release();
      return;
    }
    if (step.send === undefined) {
      this.awaitReply();
      return;
    }
    const pause = this.mayStartAt - clock.elapsed();
    if (pause > 0) this.cancelTimer = clock.after(pause, () => this.advance());
    else if (typeof step.send === 'string') this.sendMade(step.send);
    else this.makeNow(step.send, step.what);
  }

  /** A message that uses a reply. What the server sends meanwhile is no reply to it. */
  private makeNow(make: ConnectTemplate, what: string): void {
    try {
      const made = madeText(make, this.options.values(), what);
      if (made instanceof Promise) void made.then(this.sendMade, this.cannotMake);
      else this.sendMade(made);
    } catch (error) {
      this.cannotMake(error);
    }
  }

  private readonly sendMade = (text: string | undefined): void => {
    const step = this.steps[this.at];
    if (this.state !== 'open' || step === undefined) return;
    if (text !== undefined) {
      this.options.send(text, this.sent, step);
      return;
    }
    this.at += 1;
    this.advance();
  };

  private readonly cannotMake = (error: unknown): void => {
    if (this.state !== 'open') return;
    if (this.options.isLive) this.state = 'done';
    else this.fail();
    this.options.notMade((error as Error).message);
  };

  private readonly sent = (): void => {
    if (this.state !== 'open') return;
    const { interval, clock } = this.options;
    this.mayStartAt = clock.elapsed() + interval;
    if (this.steps[this.at]?.expect !== undefined) {
      this.awaitReply();
      return;
    }
    this.at += 1;
    this.advance();
  };

  private awaitReply(): void {
    const { timeout } = this.steps[this.at] ?? { timeout: 0 };
    this.isAwaiting = true;
    this.cancelTimer = this.options.clock.after(timeout, () => this.timedOut(timeout));
  }

  /** `reject` is asked first: a refusal may match `expect`, too, such as `{"op":"login","success":false}`. */
  private verdictOn(message: Message): Verdict | Promise<Verdict> {
    const { expect, reject } = this.steps[this.at] ?? {};
    const replied = () => {
      const isReply = expect?.(message) ?? false;
      return isReply instanceof Promise ? isReply.then(replyOrOther) : replyOrOther(isReply);
    };
    const isRefusal = reject?.(message) ?? false;
    if (isRefusal instanceof Promise) return isRefusal.then((is) => (is ? 'refusal' : replied()));
    return isRefusal ? 'refusal' : replied();
  }

  private decide(verdict: Verdict, data: Buffer, binary: boolean): void {
    if (this.state === 'failed' && !this.hasReplied) {
      this.options.dropped(data);
      return;
    }
    if (this.state !== 'open') {
      this.options.pass(data, binary, true);
      return;
    }
    if (verdict !== 'other') this.passTaken(data);
    if (verdict === 'reply') {
      const as = this.steps[this.at]?.as;
      if (as !== undefined) this.options.named(as, data);
      this.cancelTimer();
      this.isAwaiting = false;
      this.at += 1;
      this.advance();
      return;
    }
    if (verdict === 'refusal' || !this.options.isLive) this.lastHeard = data;
    if (verdict === 'refusal') this.failed('refused', `the server refuses message ${this.at + 1} of subscribe`);
    else if (this.hasReplied) this.options.pass(data, binary, true);
    else this.held.push(data, binary);
  }

  /** After a refusal nothing that was held is passed on, and neither is this. */
  private passTaken(data: Buffer): void {
    if (!this.options.isNumbered) return;
    if (this.hasReplied) this.options.pass(data, false, false);
    else if (this.state === 'open') this.held.pushReply(data);
  }

  private timedOut(timeout: number): void {
    const why = `no reply to message ${this.at + 1} of subscribe came within ${formatDuration(timeout)}`;
    this.failed('silent', why);
  }

  private failed(kind: SubscribeFailure['kind'], why: string): void {
    this.cancelTimer();
    if (!this.options.isLive) {
      this.fail();
      this.options.failed({ kind, why });
      return;
    }
    this.options.failed({ kind, why });
    this.isAwaiting = false;
    this.at += 1;
    this.advance();
  }

  private fail(): void {
    this.state = 'failed';
    this.isAwaiting = false;
    this.held.drop();
  }
}

function replyOrOther(isReply: boolean): Verdict {
  return isReply ? 'reply' : 'other';
}
