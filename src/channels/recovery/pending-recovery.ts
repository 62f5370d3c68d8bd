import type { Lost, Recovery, RecoveryRequest } from '../../core/channel-feed.ts';
import type { Clock } from '../../core/clock.ts';
import { copiedHeaders, copiedKey, copyOf } from '../../core/content.ts';
import { Message } from '../../core/message.ts';

/** A request for records of a channel until it is answered, which it is once. */
export class PendingRecovery {
  readonly request: RecoveryRequest;
  readonly answer: Promise<Recovery>;
  /** Whether a record from `since` on was read: the oldest that it could get. */
  hasBegun = false;
  private readonly messages: Message[] = [];
  private bytes = 0;
  private isOver = false;
  private resolve: (recovery: Recovery) => void = () => {};
  private readonly cancelTimeout: () => void;
  /** Called at its end. */
  ended: () => void = () => {};

  /** `timeout`: milliseconds until it is lost. */
  constructor(request: RecoveryRequest, clock: Clock, timeout: number) {
    this.request = request;
    this.answer = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.cancelTimeout = clock.after(timeout, this.giveUp);
    if (request.signal.aborted) this.giveUp();
    else request.signal.addEventListener('abort', this.giveUp);
  }

  get partition(): number {
    return this.request.since.partition;
  }

  get since(): number {
    return this.request.since.offset;
  }

  get until(): number {
    return this.request.until;
  }

  get isAnswered(): boolean {
    return this.isOver;
  }

  /** A record of its channel. */
  add(message: Message): void {
    if (this.isOver) return;
    this.bytes += message.payload.length;
    if (this.bytes > this.request.bytes) this.lose('too_many');
    else this.messages.push(message);
  }

  complete(): void {
    this.end({ messages: this.messages });
  }

  lose(lost: Lost): void {
    this.end({ lost });
  }

  private readonly giveUp = (): void => this.lose('unavailable');

  private end(recovery: Recovery): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelTimeout();
    this.request.signal.removeEventListener('abort', this.giveUp);
    this.resolve(recovery);
    this.ended();
  }
}

/** The same record in memory of its own, which nothing waits for: what it was made from need not be kept. */
export function keptRecord(message: Message): Message {
  const { payload, key, headers, meta, timestamp, trace, topic, partition, offset } = message;
  return new Message(copyOf(payload), {
    key: copiedKey(key),
    headers: copiedHeaders(headers),
    meta,
    timestamp,
    partition,
    offset,
    ...(trace === undefined ? {} : { trace }),
    ...(topic === undefined ? {} : { topic }),
  });
}
