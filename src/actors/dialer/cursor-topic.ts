import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import { JsonPath } from '../../core/json-path.ts';
import type { Log, TopicSpec } from '../../core/log.ts';
import { Message } from '../../core/message.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Follower } from '../follower.ts';
import type { CursorStore, FeedPosition } from './cursor-store.ts';

const RETRY = 500;

export interface TopicCursorsOptions {
  readonly topic: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** The one way to write to it. */
  readonly port: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Positions in a compacted topic: one record by feed. */
export class TopicCursors implements CursorStore {
  private readonly options: TopicCursorsOptions;

  constructor(options: TopicCursorsOptions) {
    this.options = options;
  }

  /** Rejects with TG_NOT_AUTHORIZED or TG_TOPIC_INVALID where the topic cannot be made. */
  async load(feed: string, signal: AbortSignal): Promise<FeedPosition | undefined> {
    const givenUp = aborted(signal);
    await this.prepare(signal, givenUp);
    if (signal.aborted) return undefined;
    const { topic, log, clock, logger } = this.options;
    let position: FeedPosition | undefined;
    const follower = new Follower({
      log,
      topics: [topic],
      from: 'earliest',
      clock,
      logger,
      next: ({ messages }) => {
        for (const message of messages) if (String(message.key) === feed) position = readPosition(message) ?? position;
      },
    });
    follower.open();
    await Promise.race([follower.caughtUp, givenUp]);
    await follower.close();
    return position;
  }

  save(feed: string, position: FeedPosition): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (_: Message, failure: TidegateError | null) => (failure === null ? resolve() : reject(failure));
      const record = new Message(Buffer.from(writePosition(position)), { key: feed, target: { settled } });
      this.options.port.write(new Batch([record]));
    });
  }

  private async prepare(signal: AbortSignal, givenUp: Promise<void>): Promise<void> {
    const { topic, log, logger } = this.options;
    while (!signal.aborted) {
      try {
        if ((await log.admin.describe(topic)) === undefined && (await log.admin.create(specOf(topic))))
          logger.info({ topic }, `created the topic ${topic}`);
        return;
      } catch (error) {
        const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        if (!failure.retryable) throw failure;
        await Promise.race([this.pause(), givenUp]);
      }
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.options.clock.after(RETRY, resolve);
    });
  }
}

function specOf(name: string): TopicSpec {
  return {
    name,
    partitions: 1,
    // Compaction leaves the active segment alone: by default a gateway that starts might have to read a gigabyte.
    config: {
      'cleanup.policy': 'compact',
      'segment.ms': '600000',
      'segment.bytes': '16777216',
      'min.cleanable.dirty.ratio': '0.1',
    },
  };
}

const CURSOR = new JsonPath(['cursor']);

function writePosition({ cursor, heardAt }: FeedPosition): string {
  return cursor === undefined ? `{"heardAt":${heardAt}}` : `{"cursor":${cursor},"heardAt":${heardAt}}`;
}

/** undefined for a record that is none of ours. */
function readPosition(message: Message): FeedPosition | undefined {
  try {
    const value = message.plainJson as Partial<FeedPosition> | null;
    return typeof value?.heardAt === 'number'
      ? { cursor: CURSOR.textIn(message.payload), heardAt: value.heardAt }
      : undefined;
  } catch {
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
