import { merge, mergeMap, type Observable, Subject, throwError } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Source } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import type { GroupState } from '../core/group-state.ts';
import type { LogAdmin, TopicPartition } from '../core/log.ts';
import type { TopicPattern } from '../sdk/context.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Milliseconds between two looks at the topics of the log. */
const LOOK = 5_000;

/** Topics that a log line lists. */
const MOST = 100;

/** A source of topics that can be told to read others. */
export interface TopicsSource extends Source {
  /**
   * Reads these topics from now on, or from when it is opened. Those that it has read already go on where they are; where
   * `areNew`, the others are read from their first record. Rejects if reading cannot go on.
   */
  read(topics: readonly string[], areNew: boolean): Promise<void>;
}

export interface MatchedTopicsOptions {
  readonly admin: Pick<LogAdmin, 'topics'>;
  /** Read in any case. */
  readonly topics: readonly string[];
  readonly patterns: readonly TopicPattern[];
  /** Topics that patterns never mean. */
  readonly isExcluded: (topic: string) => boolean;
  readonly max: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The topics that names and patterns mean, read by one source: those that are created join, those that are deleted leave. */
export class MatchedTopics implements Source {
  readonly batches$: Observable<Batch>;
  private readonly source: TopicsSource;
  private readonly options: MatchedTopicsOptions;
  private readonly broke = new Subject<unknown>();
  /** undefined before the first look: what comes later is read from its first record. */
  private topics: readonly string[] | undefined;
  private isPaused = false;
  /** Whether the source is open: it needs at least one topic. */
  private isReading = false;
  private isAboveMax = false;
  /** Counts the times that it was opened or closed; a look of an earlier time has no effect. */
  private run = 0;
  private cancel: (() => void) | undefined;
  private changing: Promise<void> = Promise.resolve();

  constructor(source: TopicsSource, options: MatchedTopicsOptions) {
    this.source = source;
    this.options = options;
    this.batches$ = merge(source.batches$, this.broke.pipe(mergeMap((error) => throwError(() => error))));
  }

  /** Rejects with TG_CONFIG_INVALID where the patterns match too many topics. */
  async open(): Promise<void> {
    this.run += 1;
    const { run } = this;
    this.isPaused = false;
    const topics = await this.look();
    if (topics.length > this.options.max) throw this.tooMany(topics.length);
    if (run !== this.run) return;
    await this.change(topics);
    this.lookLater(run);
  }

  keepState(state: GroupState): (partition: TopicPartition) => number | undefined {
    return this.source.keepState?.(state) ?? (() => undefined);
  }

  pause(): void {
    this.isPaused = true;
    if (this.isReading) this.source.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (this.isReading) this.source.resume();
  }

  async close(): Promise<void> {
    this.run += 1;
    this.cancel?.();
    await this.changing.catch(() => undefined);
    if (!this.isReading) return;
    this.isReading = false;
    await this.source.close();
  }

  private lookLater(run: number): void {
    if (run !== this.run) return;
    this.cancel = this.options.clock.after(LOOK, () => {
      this.lookAgain(run).then(
        () => this.lookLater(run),
        (error: unknown) => {
          if (run === this.run) this.broke.next(error);
        },
      );
    });
  }

  /** A log that does not say what there is changes nothing. */
  private async lookAgain(run: number): Promise<void> {
    const topics = await this.look().catch(() => undefined);
    if (topics === undefined || run !== this.run) return;
    const isAbove = topics.length > this.options.max;
    if (isAbove && !this.isAboveMax) {
      const { code, message } = this.tooMany(topics.length);
      this.options.logger.error({ code }, `no more topics are read: ${message}`);
    }
    this.isAboveMax = isAbove;
    if (!isAbove) await this.change(topics);
  }

  private async look(): Promise<string[]> {
    const { admin, topics, patterns, isExcluded } = this.options;
    const there = [...(await admin.topics()).keys()];
    const matching = there.filter((name) => !isExcluded(name) && patterns.some((pattern) => pattern.test(name)));
    return [...new Set([...topics, ...matching])].sort();
  }

  private change(topics: readonly string[]): Promise<void> {
    this.changing = this.read(topics);
    return this.changing;
  }

  private async read(topics: readonly string[]): Promise<void> {
    const before = this.topics;
    if (this.isReading && topics.join() === before?.join()) return;
    if (before !== undefined) this.logChange(before, topics);
    this.topics = topics;
    await this.source.read(topics, before !== undefined);
    if (topics.length === 0 || this.isReading) {
      // What it read is gone; what is in flight of it can still be settled.
      if (topics.length === 0 && this.isReading) await this.source.close();
      this.isReading = topics.length > 0;
    } else {
      this.isReading = true;
      await this.source.open();
    }
    if (this.isPaused && this.isReading) this.source.pause();
  }

  private logChange(before: readonly string[], now: readonly string[]): void {
    const [known, there] = [new Set(before), new Set(now)];
    const joined = now.filter((name) => !known.has(name));
    const left = before.filter((name) => !there.has(name));
    const { logger } = this.options;
    if (joined.length > 0)
      logger.info({ topics: joined.slice(0, MOST) }, `reads ${joined.length} more topics: ${shown(joined)}`);
    if (left.length > 0)
      logger.info({ topics: left.slice(0, MOST) }, `no longer reads ${left.length} topics: ${shown(left)}`);
  }

  private tooMany(count: number): TidegateError {
    const { patterns, max } = this.options;
    return new TidegateError(
      'TG_CONFIG_INVALID',
      `${patterns.join(' and ')} ${patterns.length === 1 ? 'matches' : 'match'} ${count} topics, more than max_topics (${max}); make the pattern narrower, or raise max_topics`,
    );
  }
}

function shown(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, ...` : names.join(', ');
}
