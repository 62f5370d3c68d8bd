import type { ContextWith } from '../../sdk/context.ts';

/** What the source of feeds needs of its gateway. */
export const FEED_NEEDS = ['tracing', 'topic', 'follow', 'dial', 'cursors', 'onStatus'] as const;
/** What the sink to a WebSocket server needs of its gateway. */
export const REMOTE_SINK_NEEDS = ['tracing', 'dial', 'onStatus'] as const;

export type FeedContext = ContextWith<(typeof FEED_NEEDS)[number]>;
export type RemoteSinkContext = ContextWith<(typeof REMOTE_SINK_NEEDS)[number]>;
