import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Headers } from '../../core/headers.ts';
import type { Log } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Follower } from '../follower.ts';
import { Outbox } from '../presence/outbox.ts';

export interface SharedTopicOptions {
  readonly name: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** The one way to write to it. */
  readonly port: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes each record, in the topic's order. */
  readonly apply: (message: Message) => void;
  /** The topic was deleted and created again: nothing of what was applied holds. Its first record is applied next. */
  readonly recreated: () => void;
}

interface Waiting {
  /** Of the record, once it is known. */
  offset: number | undefined;
  readonly resolve: (offset: number) => void;
  readonly reject: (failure: TidegateError) => void;
}

/** A compacted topic of one partition that all gateways read from its beginning, and in whose order they decide. */
export class SharedTopic {
  private readonly options: SharedTopicOptions;
  private readonly follower: Follower;
  private readonly outbox: Outbox;
  private readonly waiting = new Set<Waiting>();
  /** Offset behind the last record that was applied. */
  private position = 0;

  constructor(options: SharedTopicOptions) {
    const { name, log, port, clock, logger } = options;
    this.options = options;
    const next = (batch: Batch) => this.take(batch);
    const recreated = () => this.beginAnew();
    this.follower = new Follower({ log, topics: [name], from: 'earliest', clock, logger, next, recreated });
    this.outbox = new Outbox({ name, topic: port, clock, logger });
  }

  /** Resolves when everything has been applied that was there at the start. */
  get caughtUp(): Promise<void> {
    return this.follower.caughtUp;
  }

  open(): void {
    this.follower.open();
  }

  async close(): Promise<void> {
    this.outbox.close();
    for (const { reject } of this.waiting) reject(stopped());
    this.waiting.clear();
    await this.follower.close();
  }

  /** Resolves with the offset once the record, or the tombstone for null, has come back and been applied. */
  write(key: string, value: object | null): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { offset: undefined, resolve, reject };
      this.waiting.add(waiting);
      this.outbox.put({
        key,
        value,
        stored: (offset) => {
          waiting.offset = offset;
          this.answer();
        },
        lost: () => {
          if (this.waiting.delete(waiting)) reject(stopped());
        },
        isWanted: () => this.waiting.has(waiting),
      });
    });
  }

  /** Writes and does not wait; a gateway that stops may not get it out any more. */
  put(key: string, value: object | null, headers?: Headers): void {
    this.outbox.put({ key, value, ...(headers === undefined ? {} : { headers }) });
  }

  private take({ messages }: Batch): void {
    for (const message of messages) {
      this.options.apply(message);
      this.position = message.offset + 1;
    }
    this.answer();
  }

  /** What was stored and not read back may have been stored in the old one. */
  private beginAnew(): void {
    const { name, recreated } = this.options;
    this.position = 0;
    for (const waiting of this.waiting) {
      if (waiting.offset === undefined) continue;
      this.waiting.delete(waiting);
      const reason = `the topic ${name} was deleted and created again: it is not known whether this was written; try again`;
      waiting.reject(new TidegateError('TG_LOG_UNAVAILABLE', reason));
    }
    recreated();
  }

  private answer(): void {
    for (const waiting of this.waiting) {
      if (waiting.offset === undefined || waiting.offset >= this.position) continue;
      this.waiting.delete(waiting);
      waiting.resolve(waiting.offset);
    }
  }
}

function stopped(): TidegateError {
  return new TidegateError('TG_STOPPING', 'the gateway stopped before it was known whether this was written');
}
