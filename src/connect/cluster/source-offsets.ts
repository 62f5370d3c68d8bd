import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { parseAsWritten, writeJson } from '../../core/exact-number.ts';
import { aborted } from '../../core/waiting.ts';
import type { CursorStore, SavedCursor } from '../../sdk/context.ts';
import type { JsonObject } from './offset-table.ts';
import type { ConnectStore } from './store.ts';

export interface SourceOffsetsOptions {
  readonly store: ConnectStore;
  readonly connector: string;
  /** Identifies the task if several tasks read from the same server. */
  readonly share: JsonObject;
  /** Prefix of the names of the feeds; the server's URL follows. */
  readonly prefix: string;
  /** A task that runs later has a larger one, whichever task it is; undefined if the task does not run any more. */
  readonly generation: () => number | undefined;
  readonly clock: Clock;
}

/** The cursors of a task's feeds, kept as the source offsets of its connector: `{"url"}` -> `{"cursor", "heard_at"}`. */
export class SourceOffsets implements CursorStore {
  private readonly options: SourceOffsetsOptions;

  constructor(options: SourceOffsetsOptions) {
    this.options = options;
  }

  /** Reads first everything that any gateway has saved before. */
  async load(feed: string, signal: AbortSignal): Promise<SavedCursor | undefined> {
    const { store, connector, clock } = this.options;
    await Promise.race([store.offsetsUpToDate(), aborted(signal)]);
    const offset = store.offsets.at(connector, this.partitionOf(feed));
    if (offset === undefined) return undefined;
    const { cursor, heard_at } = offset;
    return { cursor: writeJson(cursor), heardAt: typeof heard_at === 'number' ? heard_at : clock.now() };
  }

  async save(feed: string, { cursor, heardAt }: SavedCursor): Promise<void> {
    const { store, connector } = this.options;
    const generation = this.options.generation();
    if (generation === undefined)
      throw new TidegateError('TG_STOPPING', 'another gateway runs this task now, and saves its cursors');
    const offset = { ...(cursor === undefined ? {} : { cursor: parseAsWritten(cursor) }), heard_at: heardAt };
    await store.writeOffset(connector, this.partitionOf(feed), offset, generation);
  }

  private partitionOf(feed: string): JsonObject {
    const { prefix, share } = this.options;
    return { url: feed.slice(prefix.length).trim(), ...share };
  }
}
