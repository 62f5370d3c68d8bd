import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import { writeJson } from '../../core/exact-number.ts';
import type { Headers } from '../../core/headers.ts';
import { Message, type Meta, type SettleTarget } from '../../core/message.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Between tries of records that the log refuses: a topic is missing or a right was taken away, so there is no hurry. */
const RETRY = 2_000;

const TOMBSTONE: Meta = Object.freeze({ tombstone: true });
const NO_PAYLOAD = Buffer.alloc(0);

export interface Post {
  readonly key: string | null;
  /** JSON, or null for a tombstone. */
  readonly value: object | null;
  readonly headers?: Headers;
  readonly stored?: (offset: number) => void;
  /** Not stored, and not tried again. */
  readonly lost?: () => void;
  /** Whether a refused record is to be tried again. Always, where it is left out. */
  readonly isWanted?: () => boolean;
}

export interface OutboxOptions {
  readonly name: string;
  readonly topic: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a presence writes to one topic, in order. What the log refuses is told once and tried again. */
export class Outbox {
  private readonly options: OutboxOptions;
  private refused: Post[] = [];
  private isRefusing = false;
  private isClosed = false;
  private cancelRetry: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  put(post: Post): void {
    const { key, value, headers } = post;
    const common = { key, ...(headers === undefined ? {} : { headers }) };
    const target: SettleTarget = { settled: (message, failure) => this.settled(post, message, failure) };
    const message =
      value === null
        ? new Message(NO_PAYLOAD, { ...common, meta: TOMBSTONE, target })
        : new Message(Buffer.from(writeJson(value) ?? 'null'), { ...common, target });
    this.options.topic.write(new Batch([message]));
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
  }

  private settled(post: Post, message: Message, failure: TidegateError | null): void {
    if (failure === null) {
      this.isRefusing = false;
      post.stored?.(message.offset);
      return;
    }
    // Anything but a refusal means that the gateway stops: a lane waits for a log that is away.
    if (failure.next === 'reject') this.complain(failure);
    if (failure.next !== 'reject' || this.isClosed || post.isWanted?.() === false) post.lost?.();
    else this.later(post);
  }

  private later(post: Post): void {
    this.refused.push(post);
    if (this.refused.length > 1) return;
    this.cancelRetry = this.options.clock.after(RETRY, () => {
      for (const each of this.refused.splice(0)) {
        if (each.isWanted?.() === false) each.lost?.();
        else this.put(each);
      }
    });
  }

  private complain(failure: TidegateError): void {
    if (this.isRefusing) return;
    this.isRefusing = true;
    const { name, logger } = this.options;
    logger.error({ topic: name, code: failure.code }, `the log refuses records of ${name}: ${failure.message}`);
  }
}
