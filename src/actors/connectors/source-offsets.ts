import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { parseAsWritten, writeJson } from '../../core/exact-number.ts';
import type { CursorStore, FeedPosition } from '../dialer/cursor-store.ts';
import type { JsonObject } from './offset-table.ts';
import type { ConnectStore } from './store.ts';

export interface SourceOffsetsOptions {
  readonly store: ConnectStore;
  readonly connector: string;
  /** Says which part of the connector's work this is, where several tasks read from the same server. */
  readonly share: JsonObject;
  /** What the names of the feeds begin with; the server's URL follows. */
  readonly prefix: string;
  /** What runs later has a larger one, whichever task it is; undefined when the task does not run any more. */
  readonly generation: () => number | undefined;
  readonly clock: Clock;
}

/** The cursors of a task's feeds, kept as the source offsets of its connector: `{"url"}` -> `{"cursor", "heard_at"}`. */
export class SourceOffsets implements CursorStore {
  private readonly options: SourceOffsetsOptions;

  constructor(options: SourceOffsetsOptions) {
    this.options = options;
  }

  /** Knows of everything that was saved before, by whichever gateway. */
  async load(feed: string, signal: AbortSignal): Promise<FeedPosition | undefined> {
    const { store, connector, clock } = this.options;
    await Promise.race([store.offsetsUpToDate(), aborted(signal)]);
    const offset = store.offsets.at(connector, this.partitionOf(feed));
    if (offset === undefined) return undefined;
    const { cursor, heard_at } = offset;
    return { cursor: writeJson(cursor), heardAt: typeof heard_at === 'number' ? heard_at : clock.now() };
  }

  async save(feed: string, { cursor, heardAt }: FeedPosition): Promise<void> {
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
