import type { ChannelPosition } from './channel-position.ts';

/** What a client asks for of the records that are kept of a channel. */
export interface KeptQuery {
  /** Records, at most; 0: only where the channel is. */
  readonly limit: number;
  /** Those behind this position, or, in reverse, those in front of its record. null: the client has shown one that is none. */
  readonly since?: ChannelPosition | null | undefined;
  /** Newest first. */
  readonly reverse: boolean;
}

/** Records that are kept of a channel. */
export interface KeptRecords {
  /** Where the channel is now. Undefined: it has no positions. */
  readonly position: ChannelPosition | undefined;
  /** Payloads of the frames that the codec has made of them (`publication`). Undefined: not all behind `since` are kept. */
  readonly payloads: readonly (Buffer | string)[] | undefined;
}
