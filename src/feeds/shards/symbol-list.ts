import { reasonOf, TidegateError } from '../../core/errors.ts';
import { aborted } from '../../core/waiting.ts';
import type { ComponentContext, GatewayPorts, TopicFollower } from '../../sdk/context.ts';
import { WatchedFile } from '../../sdk/watched-file.ts';
import type { ShardSettings } from '../settings/shard-settings.ts';
import { MAX_SYMBOLS, symbolsOfText } from '../settings/symbols-of-text.ts';

/** What a feed subscribes to. */
export interface SymbolList {
  readonly symbols: ReadonlySet<string>;
  /** Resolves when the symbols are known. `changed` is called whenever they are others afterwards, until `close`. */
  open(changed: () => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

type ListContext = ComponentContext & { readonly gateway: Pick<GatewayPorts, 'follow'> };

export function symbolListOf({ list, file, topic }: ShardSettings, context: ListContext): SymbolList {
  if (file !== undefined) return new FileSymbols(file, context);
  if (topic !== undefined) return new TopicSymbols(topic.name, context);
  return new FixedSymbols(list ?? []);
}

class FixedSymbols implements SymbolList {
  readonly symbols: ReadonlySet<string>;

  constructor(list: readonly string[]) {
    this.symbols = new Set(list);
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}

/** A file with one symbol a line. */
class FileSymbols implements SymbolList {
  private readonly settings: NonNullable<ShardSettings['file']>;
  private readonly context: ListContext;
  private file: WatchedFile<ReadonlySet<string>> | undefined;

  constructor(settings: NonNullable<ShardSettings['file']>, context: ListContext) {
    this.settings = settings;
    this.context = context;
  }

  get symbols(): ReadonlySet<string> {
    return this.file?.content ?? new Set();
  }

  /** Rejects with TG_FLOW_FAILED if the file cannot be read, so that it is tried again. */
  async open(changed: () => void, signal: AbortSignal): Promise<void> {
    const { path: setting, clock, logger } = this.context;
    const { path, reload: interval } = this.settings;
    const options = { path, setting: `${setting} shards.file`, read: symbolsOfText, clock, logger, interval, changed };
    try {
      const file = await WatchedFile.open(options);
      if (signal.aborted) file.close();
      else this.file = file;
    } catch (error) {
      throw new TidegateError('TG_FLOW_FAILED', reasonOf(error), error);
    }
  }

  async close(): Promise<void> {
    this.file?.close();
  }
}

/** A compacted topic: its keys are symbols, and a tombstone removes one. */
class TopicSymbols implements SymbolList {
  readonly symbols = new Set<string>();
  private readonly name: string;
  private readonly context: ListContext;
  private follower: TopicFollower | undefined;
  private changed: () => void = () => {};
  private isReported = false;

  constructor(name: string, context: ListContext) {
    this.name = name;
    this.context = context;
  }

  async open(changed: () => void, signal: AbortSignal): Promise<void> {
    this.symbols.clear();
    this.isReported = false;
    const follower = this.context.gateway.follow({
      topics: [this.name],
      from: 'earliest',
      next: ({ messages }) => {
        for (const { key, isTombstone } of messages) this.apply(key === null ? '' : String(key), isTombstone);
        this.changed();
      },
      recreated: () => {
        this.symbols.clear();
        this.changed();
      },
    });
    this.follower = follower;
    follower.open();
    await Promise.race([follower.caughtUp, aborted(signal)]);
    this.changed = changed;
  }

  async close(): Promise<void> {
    this.changed = () => {};
    await this.follower?.close();
  }

  private apply(symbol: string, isGone: boolean): void {
    // A record without a key names no symbol.
    if (symbol === '') return;
    if (isGone) this.symbols.delete(symbol);
    else if (this.symbols.size < MAX_SYMBOLS || this.symbols.has(symbol)) this.symbols.add(symbol);
    else this.overflow();
  }

  private overflow(): void {
    if (this.isReported) return;
    this.isReported = true;
    const { path, logger } = this.context;
    logger.error(
      { topic: this.name },
      `${path}: the topic ${this.name} has more than ${MAX_SYMBOLS} symbols; those that come later are not subscribed to`,
    );
  }
}
