import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { ensureTopic } from '../../core/ensure-topic.ts';
import type { TidegateError } from '../../core/errors.ts';
import { JsonPath } from '../../core/json-path.ts';
import type { Log } from '../../core/log.ts';
import { Message } from '../../core/message.ts';
import { retrying } from '../../core/retrying.ts';
import { aborted } from '../../core/waiting.ts';
import type { CursorStore, SavedCursor, TopicPort } from '../../sdk/context.ts';
import { Follower } from '../../tables/follower.ts';
import { tableTopic } from '../../tables/topic.ts';
import type { Logger } from '../../telemetry/logger.ts';

const RETRY = { initial: 250, max: 2_000 };

export interface TopicCursorsOptions {
  readonly topic: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** The only writer of the topic. */
  readonly port: TopicPort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps cursors in a compacted topic, one record per name. */
export class TopicCursors implements CursorStore {
  private readonly options: TopicCursorsOptions;

  constructor(options: TopicCursorsOptions) {
    this.options = options;
  }

  /** Rejects with TG_NOT_AUTHORIZED or TG_TOPIC_INVALID if the topic cannot be created. */
  async load(name: string, signal: AbortSignal): Promise<SavedCursor | undefined> {
    const { topic, log, clock, logger } = this.options;
    const created = await retrying(() => ensureTopic(log.admin, tableTopic(topic)), { clock, backoff: RETRY, signal });
    if (created === true) logger.info({ topic }, `created the topic ${topic}`);
    if (signal.aborted) return undefined;
    let cursor: SavedCursor | undefined;
    const follower = new Follower({
      log,
      topics: [topic],
      from: 'earliest',
      clock,
      logger,
      next: ({ messages }) => {
        for (const message of messages) if (String(message.key) === name) cursor = readCursor(message) ?? cursor;
      },
    });
    follower.open();
    await Promise.race([follower.caughtUp, aborted(signal)]);
    await follower.close();
    return cursor;
  }

  save(name: string, cursor: SavedCursor): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (_: Message, failure: TidegateError | null) => (failure === null ? resolve() : reject(failure));
      const record = new Message(Buffer.from(writeCursor(cursor)), { key: name, target: { settled } });
      this.options.port.write(new Batch([record]));
    });
  }
}

const CURSOR = new JsonPath(['cursor']);

function writeCursor({ cursor, heardAt }: SavedCursor): string {
  return cursor === undefined ? `{"heardAt":${heardAt}}` : `{"cursor":${cursor},"heardAt":${heardAt}}`;
}

/** undefined for a record that was not written by Tidegate. */
function readCursor(message: Message): SavedCursor | undefined {
  try {
    const value = message.plainJson as Partial<SavedCursor> | null;
    return typeof value?.heardAt === 'number'
      ? { cursor: CURSOR.textIn(message.payload), heardAt: value.heardAt }
      : undefined;
  } catch {
    return undefined;
  }
}
