import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { SavedCursor } from '../../sdk/context.ts';
import type { Expression } from '../../sdk/expression.ts';
import type { FeedContext } from '../context/feed-context.ts';
import { RepeatedWarning } from '../reports/repeated-warning.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import { CursorKeeper } from './cursor-keeper.ts';
import type { IdWindow } from './id-window.ts';
import { type Entry, InOrder } from './in-order.ts';
import { isUsable, keyOfValue } from './sent-values.ts';

export interface ProgressOptions {
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: Pick<FeedSettings, 'resume' | 'ack' | 'dedupe' | 'gap' | 'sequence'>;
  readonly context: FeedContext;
  /** Ids of all channels; undefined without `dedupe`. */
  readonly ids: IdWindow | undefined;
  /** Called for each message that is stored, in the order of arrival. `connection`: the number of the one that received it. */
  readonly stored: (message: Message, connection: number) => void;
}

/**
 * How far one URL of a feed has been read. A message is done once all before it are settled; its cursor is where the feed
 * continues after a restart. After a reconnect it continues at the cursor of the last message that arrived.
 */
export class Progress {
  /** Of the last message that arrived, as JSON. */
  cursor: string | undefined;
  private readonly options: ProgressOptions;
  /** undefined if the order of settling does not matter. */
  private readonly order: InOrder | undefined;
  private readonly keeper: CursorKeeper | undefined;
  private readonly unusable: RepeatedWarning;
  /** What JSONata is evaluating. */
  private readonly evaluating = new Set<Promise<void>>();
  /** The token of the message that `cursor` is of. */
  private cursorAt = 0;
  private done: SavedCursor = { heardAt: 0 };
  private isLoaded = false;

  constructor(options: ProgressOptions) {
    const { name, settings, context } = options;
    const { resume, ack, dedupe, gap, sequence } = settings;
    this.options = options;
    this.order = (resume ?? ack ?? dedupe ?? sequence) ? new InOrder() : undefined;
    if (resume !== undefined || gap !== undefined)
      this.keeper = new CursorKeeper(context.gateway.cursors(resume?.topic), `${context.path} ${name}`, context);
    this.unusable = unusableCursors(name, context);
  }

  /** Loads, once, the cursor that an earlier run of the feed has saved; undefined if there is none. */
  async load(signal: AbortSignal): Promise<SavedCursor | undefined> {
    if (this.isLoaded || this.keeper === undefined) return undefined;
    const saved = await this.keeper.load(signal);
    // It may have begun anew meanwhile.
    if (signal.aborted || this.isLoaded) return undefined;
    this.isLoaded = true;
    if (saved === undefined) return undefined;
    const { cursor, heardAt } = saved;
    this.cursor = cursor !== undefined && this.isCursor(cursor) ? cursor : undefined;
    this.done = { cursor: this.cursor, heardAt };
    return this.done;
  }

  /** The feed begins anew `now`: it has no cursor, and one that was saved is not loaded. */
  begin(now: number): void {
    this.isLoaded = true;
    this.cursor = undefined;
    this.done = { heardAt: now };
    this.keeper?.moved(this.done);
  }

  /** Resolves when the last cursor is saved, or saving it has failed. */
  async flush(): Promise<void> {
    this.unusable.stop();
    await this.keeper?.flush();
  }

  /**
   * Messages are entered by their tokens: 1, 2, 3, ... undefined if their order does not matter. `isRepeated`: the feed is
   * further already.
   */
  enter(message: Message, connection: number, isRepeated: boolean): Entry | undefined {
    const { order } = this;
    if (order === undefined) return undefined;
    const { resume, dedupe, sequence } = this.options.settings;
    const entry = entryOf(message, connection, sequence && unnumbered(), true);
    order.enter(entry);
    this.number(entry);
    if (resume !== undefined && !isRepeated)
      this.evaluate(entry, resume.cursor, (json) => {
        if (json === undefined || json === 'null' || !this.isCursor(json)) return;
        entry.cursor = json;
        // JSONata may be done with a later message first.
        if (message.token < this.cursorAt) return;
        this.cursorAt = message.token;
        this.cursor = json;
      });
    if (dedupe !== undefined)
      this.evaluate(entry, dedupe.id, (json) => {
        if (json !== undefined && json !== 'null') entry.id = keyOfValue(json);
      });
    return entry;
  }

  /** Resolves once `cursor` is that of the messages so far, or of a later one; undefined if it is. */
  whenCursorKnown(): Promise<unknown> | undefined {
    if (this.options.settings.resume === undefined || this.evaluating.size === 0) return undefined;
    return Promise.all(this.evaluating);
  }

  /** For a message that is no record, but may have a number. */
  numbered(message: Message, connection: number): Entry {
    const entry = entryOf(message, connection, unnumbered(), false);
    this.number(entry);
    return entry;
  }

  /** Whether it is one that can be used. Otherwise no connect would be possible any more. */
  private isCursor(json: string): boolean {
    if (isUsable(json)) return true;
    this.unusable.happened();
    return false;
  }

  /** Evaluates what the sequence needs. */
  private number(entry: Entry): void {
    const { sequence } = this.options.settings;
    const numbers = entry.sequence;
    if (sequence === undefined || numbers === undefined) return;
    this.evaluate(entry, sequence.value, (json) => {
      numbers.value = json;
    });
    if (sequence.first !== undefined)
      this.evaluate(entry, sequence.first, (json) => {
        numbers.first = json;
      });
    if (sequence.by !== undefined)
      this.evaluate(entry, sequence.by, (json) => {
        numbers.by = json;
      });
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.order === undefined) {
      this.moved(message.timestamp, undefined);
      return;
    }
    const entry = this.order.find(message.token);
    if (entry === undefined) return;
    entry.outcome = failure === null ? 'settled' : 'skipped';
    if (entry.id !== undefined) {
      if (failure === null) this.options.ids?.settle(entry.id);
      else this.options.ids?.forget(entry.id);
    }
    this.advance();
  }

  dropped(message: Message, reason: 'overflow' | 'duplicate'): void {
    const entry = this.order?.find(message.token);
    if (entry === undefined) return;
    entry.outcome = reason === 'duplicate' ? 'duplicate' : 'skipped';
    if (reason === 'overflow' && entry.id !== undefined) this.options.ids?.forget(entry.id);
    this.advance();
  }

  /** Nothing is missing up to `now`. */
  heardUntil(now: number): void {
    this.moved(now, undefined);
  }

  /** If the evaluation fails, for example because the message is not JSON, there is no value. */
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
      this.evaluating.delete(evaluated);
      entry.pending -= 1;
      take(result);
      this.advance();
    };
    const evaluated = value.then(ready, () => ready(undefined));
    this.evaluating.add(evaluated);
  }

  private advance(): void {
    for (let entry = this.order?.take(); entry !== undefined; entry = this.order?.take()) {
      this.moved(entry.message.timestamp, entry.cursor);
      if (this.isStored(entry)) this.options.stored(entry.message, entry.connection);
    }
  }

  /** A duplicate is stored if the message that it repeats is. */
  private isStored({ outcome, id }: Entry): boolean {
    if (outcome === 'settled') return true;
    return outcome === 'duplicate' && id !== undefined && this.options.ids?.isSettled(id) === true;
  }

  private moved(heardAt: number, cursor: string | undefined): void {
    this.done = { cursor: cursor ?? this.done.cursor, heardAt: Math.max(heardAt, this.done.heardAt) };
    this.keeper?.moved(this.done);
  }
}

function unusableCursors(name: string, context: FeedContext): RepeatedWarning {
  const what = `resume.cursor of a message of ${name} is longer than 65,536 characters or nested too deeply, and is ignored`;
  return new RepeatedWarning({
    context,
    fields: { url: name },
    counted: 'count',
    first: () => `${context.path}: ${what}`,
    more: (count) => `${context.path}: ${count} more times: ${what}`,
  });
}

/** Until its expressions are evaluated. */
function unnumbered(): NonNullable<Entry['sequence']> {
  return { value: undefined, first: undefined, by: undefined };
}

function entryOf(message: Message, connection: number, sequence: Entry['sequence'], isRecord: boolean): Entry {
  return { message, connection, isRecord, outcome: 'open', cursor: undefined, id: undefined, sequence, pending: 0 };
}
