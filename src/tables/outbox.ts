import { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Meta } from '../core/content.ts';
import type { TidegateError } from '../core/errors.ts';
import { writeJson } from '../core/exact-number.ts';
import type { Headers } from '../core/headers.ts';
import { Message, type SettleTarget } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Milliseconds between attempts to write what the log refuses: a missing topic or right takes a while to fix. */
const RETRY_INTERVAL = 2_000;

const TOMBSTONE: Meta = Object.freeze({ tombstone: true });
const NO_PAYLOAD = Buffer.alloc(0);

export interface Post {
  readonly key: string | null;
  /** JSON, or null for a tombstone. */
  readonly value: object | null;
  readonly headers?: Headers;
  readonly stored?: (offset: number) => void;
  /** Not stored, and not tried again. */
  readonly lost?: (failure: TidegateError) => void;
  /** Whether a record that was refused for this reason is tried again. Always, if left out. */
  readonly isWanted?: (refusal: TidegateError) => boolean;
}

export interface OutboxOptions {
  readonly name: string;
  readonly topic: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes records to one topic, in order. A record that the log refuses is tried again, and logged once. */
export class Outbox {
  private readonly options: OutboxOptions;
  private toRetry: { readonly post: Post; readonly refusal: TidegateError }[] = [];
  private hasLoggedRefusal = false;
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
      this.hasLoggedRefusal = false;
      post.stored?.(message.offset);
      return;
    }
    // Any other failure means that the gateway stops: while the log is unavailable, a lane waits.
    if (failure.next === 'reject') this.logRefusal(failure);
    if (failure.next !== 'reject' || this.isClosed || post.isWanted?.(failure) === false) post.lost?.(failure);
    else this.retryLater(post, failure);
  }

  private retryLater(post: Post, refusal: TidegateError): void {
    this.toRetry.push({ post, refusal });
    if (this.toRetry.length > 1) return;
    this.cancelRetry = this.options.clock.after(RETRY_INTERVAL, () => {
      for (const each of this.toRetry.splice(0)) {
        if (each.post.isWanted?.(each.refusal) === false) each.post.lost?.(each.refusal);
        else this.put(each.post);
      }
    });
  }

  private logRefusal(failure: TidegateError): void {
    if (this.hasLoggedRefusal) return;
    this.hasLoggedRefusal = true;
    const { name, logger } = this.options;
    logger.error({ topic: name, code: failure.code }, `the log refuses records of ${name}: ${failure.message}`);
  }
}
