import type { Clock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';
import type { TransactionOptions } from '../core/log.ts';
import type { Message } from '../core/message.ts';

/** Milliseconds before a transaction that failed is made again. */
const RETRY_PAUSE = 200;

/** What a log does for the messages that wait. */
export interface StagingPort {
  /** Resolves when `refusal` can be asked about the topic; undefined: it can now. Never rejects. */
  ready(topic: string): Promise<void> | undefined;
  /** Why the topic will never take the message; undefined: it may. */
  refusal(topic: string, message: Message): TidegateError | undefined;
  /** Makes a transaction of what can be in one. Rejects where it was not committed. */
  commit(): Promise<void>;
  readonly clock: Clock;
}

interface Staged {
  readonly topic: string;
  readonly message: Message;
}

/** What one transaction stores, by topic, in the order in which it was written. */
export type Selection = ReadonlyMap<string, readonly Message[]>;

/** Messages that wait for the next transaction of a group member, and when it is made. */
export class Staging {
  private readonly options: TransactionOptions;
  private readonly port: StagingPort;
  private staged: Staged[] = [];
  private bytes = 0;
  /** The log refused these, and what becomes of them is not known yet; with its reasons. */
  private readonly refusals = new Map<Message, TidegateError>();
  /** Writes wait for these, by topic: what is written to one stays in order. */
  private readonly waiting = new Map<string, Promise<void>>();
  private cancelTimer: (() => void) | undefined;
  private isRunning = false;
  private isHasty = false;
  private isClosed = false;

  constructor(options: TransactionOptions, port: StagingPort) {
    this.options = options;
    this.port = port;
  }

  write(topic: string, messages: readonly Message[]): void {
    const before = this.waiting.get(topic);
    const ready = before === undefined ? this.port.ready(topic) : before.then(() => this.port.ready(topic));
    if (ready === undefined) {
      this.stage(topic, messages);
      return;
    }
    const turn = ready.then(() => {
      this.stage(topic, messages);
      if (this.waiting.get(topic) === turn) this.waiting.delete(topic);
    });
    this.waiting.set(topic, turn);
  }

  /** No more messages come for now: what waits need not wait for others. */
  hasten(): void {
    if (this.isRunning || this.waiting.size > 0) this.isHasty = true;
    else if (this.staged.length > 0) this.run();
  }

  /** No transaction is made by itself any more. */
  close(): void {
    this.isClosed = true;
    this.cancelTimer?.();
  }

  /**
   * What can be in a transaction now, once each partition has been asked for what is committed with it. What was made of
   * records of another member is dropped.
   */
  select(): Selection {
    const selection = new Map<string, Message[]>();
    const kept: Staged[] = [];
    const lost: Message[] = [];
    for (const one of this.staged) {
      const { topic, message } = one;
      const { readiness } = message;
      if (readiness === 'lost') {
        lost.push(message);
        continue;
      }
      kept.push(one);
      if (readiness !== 'ready') continue;
      const ofTopic = selection.get(topic);
      if (ofTopic === undefined) selection.set(topic, [message]);
      else ofTopic.push(message);
    }
    this.staged = kept;
    for (const message of lost) this.bytes -= message.size;
    for (const message of lost) message.ack('filtered');
    return selection;
  }

  /** The transaction was committed. */
  committed(selection: Selection): void {
    const done = new Set<Message>();
    for (const messages of selection.values()) for (const message of messages) done.add(message);
    this.remove(done);
    // What settles may bring more at once.
    for (const message of done) message.ack();
  }

  /** The log will never take these: they fail, and dead letters may come in their place. Whether there can be a transaction then is up to `check`. */
  refused(refusals: ReadonlyMap<Message, TidegateError>): void {
    this.remove(new Set(refusals.keys()));
    for (const [message, failure] of refusals) {
      this.refusals.set(message, failure);
      if (message.unstage()) message.nack(failure);
    }
  }

  /**
   * Whether a transaction may be made. Until a refused message waits again or is settled, what it was made from counts as done
   * in some places and as not done in others. Where that stays so because it failed for good, there can be no transaction any
   * more: gives why. A member without state (`goesBack`) commits what is in front of such a message.
   */
  check(goesBack: boolean): boolean | TidegateError {
    let mayCommit = true;
    for (const [message, failure] of this.refusals) {
      const { readiness } = message;
      if (!message.mayUnstage || (readiness === 'failed' && !goesBack)) return failure;
      if (readiness === 'refused') mayCommit = false;
      else this.refusals.delete(message);
    }
    return mayCommit;
  }

  private stage(topic: string, messages: readonly Message[]): void {
    for (const message of messages) {
      const refusal = this.port.refusal(topic, message);
      if (refusal !== undefined) {
        message.nack(refusal);
        continue;
      }
      if (!message.stage()) continue;
      this.staged.push({ topic, message });
      this.bytes += message.size;
    }
    if (this.isRunning) this.isHasty ||= this.bytes >= this.options.bytes;
    else if (this.staged.length > 0 && (this.isHasty || this.bytes >= this.options.bytes)) this.run();
    else this.schedule(this.options.interval);
  }

  private remove(gone: ReadonlySet<Message>): void {
    this.staged = this.staged.filter(({ message }) => !gone.has(message));
    for (const message of gone) this.bytes -= message.size;
  }

  private schedule(milliseconds: number): void {
    if (this.isClosed || this.isRunning || this.staged.length === 0) return;
    this.cancelTimer ??= this.port.clock.after(milliseconds, () => this.run());
  }

  private run(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.isClosed) return;
    this.isRunning = true;
    this.isHasty = false;
    this.port.commit().then(
      () => this.ran(this.isHasty ? 0 : this.options.interval),
      () => this.ran(Math.max(RETRY_PAUSE, this.options.interval)),
    );
  }

  private ran(pause: number): void {
    this.isRunning = false;
    this.schedule(pause);
  }
}

/** Why a member that was made without transactions writes nothing. */
export function withoutTransactions(): TidegateError {
  return new TidegateError(
    'TG_GROUP_FAILED',
    'the member of the group was made without transactions, and writes nothing',
  );
}
