import {
  type Changes,
  Content,
  type ContentInit,
  checkTime,
  copiedContent,
  jsonPayload,
  type Part,
} from './content.ts';
import { asTidegateError, type TidegateError } from './errors.ts';
import {
  type Outcome,
  Overheard,
  type Readiness,
  type Sender,
  type Settleable,
  type SettleListener,
  type SettleTargetOf,
  type TrackerOf,
  Whole,
} from './settling.ts';
import type { TraceContext } from './trace-context.ts';

export type { Outcome, Readiness, Sender } from './settling.ts';
export type { TraceContext } from './trace-context.ts';

export type SettleTarget = SettleTargetOf<Message>;

export type Tracker = TrackerOf<Message>;

export interface MessageInit extends ContentInit {
  readonly trace?: TraceContext;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly target?: SettleTarget;
  /** Whatever the target needs to find its own record of the message again. */
  readonly token?: number;
}

/**
 * Content with where it came from and who waits for it. It is settled (acked or nacked) exactly once; `derive` and
 * `split` hand that duty on.
 */
export class Message extends Content implements Settleable {
  trace: TraceContext | undefined;
  /** Its place in the log: set by a reader, or by the lane once the log has it. -1: nowhere yet. */
  topic: string | undefined;
  partition: number;
  offset: number;
  readonly token: number;
  /** The message as its source gave it, where processors derived this one from it. A dead letter carries that. */
  source: Message | undefined;
  /** Set by the pipeline that admitted the message, with what it counted for at the gate, in bytes. */
  tracker: Tracker | undefined;
  cost = 0;
  /** The handshake's or message's span, while this process records one. Opaque outside telemetry. */
  span: unknown;
  /** What became of it, or what an ack will mean. Says nothing about a message that was nacked. */
  outcome: Outcome = 'stored';
  /** Read again, by a group member that rebuilds state: it was processed before, and nothing that comes of it is to be stored again. */
  isReplayed = false;
  /** Which source of its pipeline it came from, by its place in the list of several; -1: the pipeline has one. */
  origin = -1;
  /** Why its codec refused the frame that it is. Its pipeline makes a dead letter of it and nothing else. */
  refusal: TidegateError | undefined;
  /** It waits for a transaction, or is in it. */
  isStaged = false;
  private target: SettleTarget | undefined;
  /** Whether `key` was assigned in a pipeline, to a message that came without one. */
  private isKeyAssigned = false;
  private open = true;
  /** The message that took over the duty to settle. */
  private successor: Message | undefined;
  /** A processor that was too late may still have it: what is done with it has no effect. */
  private isTakenBack = false;

  constructor(payload: Buffer, init: MessageInit = {}) {
    super(payload, init);
    this.trace = init.trace;
    this.topic = init.topic;
    this.partition = init.partition ?? -1;
    this.offset = init.offset ?? -1;
    this.token = init.token ?? 0;
    this.target = init.target;
  }

  /** The key that the source gave, whatever was assigned since. */
  get sourceKey(): string | Buffer | null {
    const original = this.source ?? this;
    return original.isKeyAssigned ? null : original.key;
  }

  get isSettled(): boolean {
    return this.successor === undefined ? !this.open : this.successor.isSettled;
  }

  /** The client that sent it; undefined where it came from elsewhere. */
  get sender(): Sender | undefined {
    return this.target?.sender;
  }

  /** The WebSocket server that sent it, as a URL without secrets; undefined where it came from elsewhere. */
  get shownUrl(): string | undefined {
    return this.target?.shownUrl;
  }

  /** Whether it came by an assignment of its partition that is over, so that the record is read again by the next one. */
  get isRevoked(): boolean {
    return this.target?.isRevoked === true;
  }

  /**
   * Calls back once with what became of the message, whatever is derived from it, before its source hears. `isLost`: it waited
   * for a transaction and was in none, as its partition is another member's, which reads it again.
   */
  whenSettled(listener: SettleListener): void {
    this.target = new Overheard(this.target, listener);
  }

  /** The target that learns what becomes of a message that an operator has made. */
  settleTo(target: SettleTarget): void {
    this.target = target;
  }

  /**
   * It waits for a transaction, in which what it was made from counts as done. To be settled when that is committed. False
   * where it is settled already: it may not be stored then.
   */
  stage(): boolean {
    if (this.isSettled || this.isStaged) return false;
    this.isStaged = true;
    this.target?.staged?.(this);
    return true;
  }

  /** The log refuses it: what it was made from is not done. False where that cannot be taken back. */
  unstage(): boolean {
    if (this.target?.unstaged === undefined) return false;
    this.isStaged = false;
    this.target.unstaged(this);
    return true;
  }

  /** Whether `unstage` has an effect. */
  get mayUnstage(): boolean {
    return this.target?.unstaged !== undefined;
  }

  get readiness(): Readiness {
    return this.target?.readiness?.(this) ?? 'ready';
  }

  /** The message arrived where it should, or, by its outcome, was meant to go nowhere. */
  ack(outcome: Outcome = 'stored'): void {
    this.settle(null, outcome);
  }

  /** The message did not arrive; `failure.retryable` says whether sending it again makes sense. */
  nack(failure: TidegateError): void {
    this.settle(asTidegateError(failure, 'TG_FLOW_FAILED'), 'stored');
  }

  /** The message that has the duty to settle: this one, or what was made of it last. */
  get holder(): Message {
    let holder: Message = this;
    while (holder.successor !== undefined) holder = holder.successor;
    return holder;
  }

  /**
   * Gives the duty to a new message of the same content, its `holder` from now on. Code that still has this one, or what was
   * derived from it, can settle nothing by it any more.
   */
  takeBack(): void {
    if (this.isTakenBack) return;
    const { holder } = this;
    const heir = this.changed({});
    holder.handDutyTo(heir);
    this.isTakenBack = true;
    holder.isTakenBack = true;
  }

  /** A message with other content that takes over the duty to settle: settle the new one, never this one. */
  derive(changes: Changes): Message {
    const next = this.changed(changes);
    // The duty is with this message, or with one derived from it by a try that failed.
    let holder: Message = this;
    while (holder.successor !== undefined && !holder.isTakenBack) holder = holder.successor;
    if (holder.isTakenBack) next.open = false;
    else holder.handDutyTo(next);
    return next;
  }

  private changed(changes: Changes): Message {
    const { timestamp = this.timestamp } = changes;
    if (timestamp !== this.timestamp) checkTime(timestamp);
    const isJson = changes.payload === undefined && 'json' in changes;
    const payload = isJson ? jsonPayload(changes.json) : (changes.payload ?? this.payload);
    const isNew = isJson || changes.payload !== undefined;
    const next = new Message(payload, {
      key: changes.key === undefined ? this.key : changes.key,
      headers: changes.headers ?? this.headers,
      meta: changes.meta ?? this.meta,
      timestamp,
      trace: this.trace,
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      target: this.target,
      token: this.token,
      json: isNew ? changes.parsed : this.known,
    });
    // Its numbers may be ExactNumbers, which JSON.parse does not give.
    if (isJson) next.exact = changes.json;
    next.source = this.source ?? this;
    next.tracker = this.tracker;
    next.cost = this.cost;
    next.span = this.span;
    next.outcome = this.outcome;
    next.isReplayed = this.isReplayed;
    next.origin = this.origin;
    if (isNew) this.forgetValue();
    return next;
  }

  private handDutyTo(next: Message): void {
    next.open = this.open;
    this.open = false;
    this.successor = next;
    // What is in flight knows the source, and need not keep what was between it and the newest one in memory.
    const { source } = next;
    if (source?.successor === this) source.successor = next;
  }

  /** The message with that key: itself where nothing is lost by it (it had no key to remember), else a derived one. */
  withKey(key: string | Buffer | null): Message {
    if (this.key !== null && this.key !== key) return this.derive({ key });
    if (this.key !== key) {
      this.key = key;
      this.isKeyAssigned = true;
    }
    return this;
  }

  /** Several messages in place of one, which settles when all of them have; one nack is enough to nack it. */
  split(parts: readonly Part[]): Message[] {
    if (parts.length === 0) {
      this.ack('filtered');
      return [];
    }
    const whole = new Whole(this, parts.length);
    return parts.map((part) => this.part(part, whole));
  }

  /** As many messages of the same content, which settle it as `split` says: each may get a key and a place in a log of its own. */
  copies(count: number): Message[] {
    const whole = new Whole(this, count);
    return Array.from({ length: count }, () => this.part(this, whole));
  }

  /** A message of the same content of which `target` learns what became of it. This one is still to be settled. */
  copyFor(target: SettleTarget): Message {
    return this.part(this, target);
  }

  /** The same message with its bytes copied out of the chunk that was read: 200 bytes would keep 64 KiB otherwise. */
  detached(): Message {
    if (this.payload.length * 2 >= this.payload.buffer.byteLength) return this;
    const detached = this.derive(copiedContent(this));
    // It says the same as this one; to remember this one as its source would keep the chunk after all.
    detached.source = this.source;
    detached.isKeyAssigned = this.isKeyAssigned;
    return detached;
  }

  private part({ payload, key, headers }: Part, target: SettleTarget): Message {
    const message = new Message(payload, {
      key: key === undefined ? this.key : key,
      headers: headers ?? this.headers,
      meta: this.meta,
      timestamp: this.timestamp,
      trace: this.trace,
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      target,
    });
    message.source = this.source ?? this;
    message.span = this.span;
    message.isReplayed = this.isReplayed;
    return message;
  }

  private settle(failure: TidegateError | null, outcome: Outcome): void {
    if (this.isTakenBack) return;
    if (!this.open) {
      this.successor?.settle(failure, outcome);
      return;
    }
    // A dead letter stays one, though the log stores it.
    if (outcome !== 'stored') this.outcome = outcome;
    if (failure !== null && this.tracker?.takeOver(this, failure)) return;
    this.open = false;
    this.tracker?.settled(this, failure);
    this.target?.settled(this, failure);
  }
}
