import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';
import type { Headers } from '../core/headers.ts';
import type { Log } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Follower } from './follower.ts';
import { Outbox } from './outbox.ts';

export interface TableTopicOptions {
  readonly name: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** All writes go through it. */
  readonly port: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each record, in the topic's order. */
  readonly apply: (message: Message) => void;
  /** The topic was deleted and created again: drop what was applied. The first record of the new topic is applied next. */
  readonly recreated: () => void;
}

/** A write that was not applied yet. */
interface Pending {
  /** Of the record, once it is stored. */
  offset: number | undefined;
  readonly resolve: (offset: number) => void;
  readonly reject: (failure: TidegateError) => void;
}

/** A compacted topic of one partition that all gateways read from its beginning; the order of its records decides. */
export class TableTopic {
  private readonly options: TableTopicOptions;
  private readonly follower: Follower;
  private readonly outbox: Outbox;
  private readonly pending = new Set<Pending>();
  /** Offset after the last record that was applied. */
  private position = 0;

  constructor(options: TableTopicOptions) {
    const { name, log, port, clock, logger } = options;
    this.options = options;
    const next = (batch: Batch) => this.apply(batch);
    const recreated = () => this.replaced();
    this.follower = new Follower({ log, topics: [name], from: 'earliest', clock, logger, next, recreated });
    this.outbox = new Outbox({ name, topic: port, clock, logger });
  }

  /** Resolves when everything has been applied that was in the topic at the start. */
  get caughtUp(): Promise<void> {
    return this.follower.caughtUp;
  }

  open(): void {
    this.follower.open();
  }

  async close(): Promise<void> {
    this.outbox.close();
    for (const { reject } of this.pending) reject(stopped());
    this.pending.clear();
    await this.follower.close();
  }

  /**
   * Resolves with the offset when the record, or the tombstone for null, has been read back and applied. Rejects with the
   * reason if the log refuses it, and with TG_STOPPING or TG_LOG_UNAVAILABLE if it is unknown whether it was written.
   */
  write(key: string, value: object | null): Promise<number> {
    return this.post(key, value, false);
  }

  /** Resolves when everything has been applied that was written before. While the log refuses `key`, it is tried again. */
  async upToDate(key: string): Promise<void> {
    await this.post(key, null, true);
  }

  /** Writes without waiting: a gateway that stops may lose the record, and one that is refused for good is dropped. */
  put(key: string, value: object | null, headers?: Headers): void {
    const isWanted = ({ code }: TidegateError) => code !== 'TG_RECORD_TOO_LARGE' && code !== 'TG_RECORD_REFUSED';
    this.outbox.put({ key, value, isWanted, ...(headers === undefined ? {} : { headers }) });
  }

  private post(key: string, value: object | null, retries: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const write: Pending = { offset: undefined, resolve, reject };
      this.pending.add(write);
      this.outbox.put({
        key,
        value,
        stored: (offset) => {
          write.offset = offset;
          this.resolveApplied();
        },
        lost: (failure) => {
          if (this.pending.delete(write)) reject(failure.next === 'reject' ? failure : stopped());
        },
        isWanted: () => retries && this.pending.has(write),
      });
    });
  }

  private apply({ messages }: Batch): void {
    for (const message of messages) {
      this.options.apply(message);
      this.position = message.offset + 1;
    }
    this.resolveApplied();
  }

  /** Records that were stored and not read back may have been in the old topic. */
  private replaced(): void {
    const { name, recreated } = this.options;
    this.position = 0;
    for (const write of this.pending) {
      if (write.offset === undefined) continue;
      this.pending.delete(write);
      const reason = `the topic ${name} was deleted and created again: it is not known whether this was written; try again`;
      write.reject(new TidegateError('TG_LOG_UNAVAILABLE', reason));
    }
    recreated();
  }

  private resolveApplied(): void {
    for (const write of this.pending) {
      if (write.offset === undefined || write.offset >= this.position) continue;
      this.pending.delete(write);
      write.resolve(write.offset);
    }
  }
}

function stopped(): TidegateError {
  return new TidegateError('TG_STOPPING', 'the gateway stopped before it was known whether this was written');
}
