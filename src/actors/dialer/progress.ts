import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Expression } from '../../sdk/expression.ts';
import { CursorKeeper } from './cursor-keeper.ts';
import type { FeedPosition } from './cursor-store.ts';
import type { FeedOptions } from './feed-options.ts';
import type { IdWindow } from './id-window.ts';
import { type Entry, InOrder } from './in-order.ts';

export interface ProgressOptions {
  readonly feed: FeedOptions;
  /** The URL as it may be shown. */
  readonly name: string;
  /** Ids of all channels; none where nothing is told apart by id. */
  readonly ids: IdWindow | undefined;
  /** Told of each message that is stored, in the order in which they came. `connection`: by which one. */
  readonly stored: (message: Message, connection: number) => void;
}

/**
 * How far one URL of a feed has come. A message is done with once all before it are: then its cursor is where another
 * run of the feed goes on. Within this run the cursor of the last one that came is.
 */
export class Progress {
  /** Of the last message that came, as JSON. */
  cursor: string | undefined;
  private readonly options: ProgressOptions;
  /** Only where the order of settling matters. */
  private readonly order: InOrder | undefined;
  private readonly keeper: CursorKeeper | undefined;
  private position: FeedPosition = { heardAt: 0 };
  private isLoaded = false;

  constructor(options: ProgressOptions) {
    this.options = options;
    const { path, settings, clock, logger, cursors } = options.feed;
    const { resume, ack, dedupe, gap } = settings;
    this.order = (resume ?? ack ?? dedupe) ? new InOrder() : undefined;
    if (resume !== undefined || gap !== undefined) {
      const store = cursors(resume?.topic);
      this.keeper = new CursorKeeper({ store, feed: `${path} ${options.name}`, clock, logger });
    }
  }

  /** Looks up, once, where an earlier run of the feed ended; undefined where that is not known. */
  async load(signal: AbortSignal): Promise<FeedPosition | undefined> {
    if (this.isLoaded || this.keeper === undefined) return undefined;
    const position = await this.keeper.load(signal);
    if (signal.aborted) return undefined;
    this.isLoaded = true;
    if (position === undefined) return undefined;
    this.position = position;
    this.cursor = position.cursor;
    return position;
  }

  /** Resolves when the last position is saved, or could not be. */
  async flush(): Promise<void> {
    await this.keeper?.flush();
  }

  /** Messages are entered by their tokens: 1, 2, 3, ... Undefined where their order does not matter. */
  enter(message: Message, connection: number): Entry | undefined {
    const { order } = this;
    if (order === undefined) return undefined;
    const { resume, dedupe } = this.options.feed.settings;
    const entry: Entry = { message, connection, outcome: 'open', cursor: undefined, id: undefined, pending: 0 };
    order.enter(entry);
    if (resume !== undefined)
      this.evaluate(entry, resume.cursor, (json) => {
        if (json === undefined || json === 'null') return;
        entry.cursor = json;
        this.cursor = json;
      });
    if (dedupe !== undefined)
      this.evaluate(entry, dedupe.id, (json) => {
        if (json !== 'null') entry.id = json;
      });
    return entry;
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.order === undefined) {
      this.moved(message.timestamp, undefined);
      return;
    }
    const entry = this.order.find(message.token);
    if (entry === undefined) return;
    entry.outcome = failure === null ? 'settled' : 'passed';
    if (entry.id !== undefined) {
      if (failure === null) this.options.ids?.settle(entry.id);
      else this.options.ids?.forget(entry.id);
    }
    this.advance();
  }

  dropped(message: Message, reason: 'overflow' | 'duplicate'): void {
    const entry = this.order?.find(message.token);
    if (entry === undefined) return;
    entry.outcome = reason === 'duplicate' ? 'duplicate' : 'passed';
    if (reason === 'overflow' && entry.id !== undefined) this.options.ids?.forget(entry.id);
    this.advance();
  }

  /** Nothing is missing up to `now`. */
  heardUntil(now: number): void {
    this.moved(now, undefined);
  }

  /** A message of which the expression makes nothing, such as one that is not JSON, has no value. */
  private evaluate(entry: Entry, expression: Expression, take: (json: string | undefined) => void): void {
    let value: ReturnType<Expression['evaluateJson']>;
    try {
      value = expression.evaluateJson(entry.message);
    } catch {
      return;
    }
    if (!(value instanceof Promise)) {
      take(value);
      return;
    }
    entry.pending += 1;
    const ready = (result: string | undefined) => {
      entry.pending -= 1;
      take(result);
      this.advance();
    };
    value.then(ready, () => ready(undefined));
  }

  private advance(): void {
    for (let entry = this.order?.take(); entry !== undefined; entry = this.order?.take()) {
      this.moved(entry.message.timestamp, entry.cursor);
      if (this.isStored(entry)) this.options.stored(entry.message, entry.connection);
    }
  }

  /** A duplicate is stored when the one before it is. */
  private isStored({ outcome, id }: Entry): boolean {
    if (outcome === 'settled') return true;
    return outcome === 'duplicate' && id !== undefined && this.options.ids?.isSettled(id) === true;
  }

  private moved(heardAt: number, cursor: string | undefined): void {
    this.position = { cursor: cursor ?? this.position.cursor, heardAt: Math.max(heardAt, this.position.heardAt) };
    this.keeper?.moved(this.position);
  }
}
