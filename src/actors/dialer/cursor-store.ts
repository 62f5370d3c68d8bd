/** How far a feed has come, as it outlives the process. */
export interface FeedPosition {
  /** Cursor of the last message before which all are settled, as JSON, so that it keeps every digit; undefined where the feed has none. */
  readonly cursor?: string | undefined;
  /** When that message was received, in milliseconds since the epoch. */
  readonly heardAt: number;
}

/**
 * Remembers positions across restarts. Whoever runs a feed has it to itself: the last save is the one that counts.
 */
export interface CursorStore {
  /** undefined for a feed that was never saved. Waits for as long as the store is away, or until `signal` aborts. */
  load(feed: string, signal: AbortSignal): Promise<FeedPosition | undefined>;
  /** Resolves when the position is durable. */
  save(feed: string, position: FeedPosition): Promise<void>;
}

/** Remembers as long as the process lives. */
export class MemoryCursors implements CursorStore {
  private readonly positions = new Map<string, FeedPosition>();

  async load(feed: string): Promise<FeedPosition | undefined> {
    return this.positions.get(feed);
  }

  async save(feed: string, position: FeedPosition): Promise<void> {
    this.positions.set(feed, position);
  }
}
