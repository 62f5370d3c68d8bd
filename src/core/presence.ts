/** A client in a channel, on any gateway. */
export interface PresentClient {
  /** The ID of its connection. */
  readonly client: string;
  /** The claim `sub` of its token; empty where it has none. */
  readonly user: string;
  /** The claim `info` of its token, if it has one and it is not too long. */
  readonly info?: unknown;
}

/** Which clients are in a channel, on all gateways. */
export interface ChannelPresence {
  readonly clients: number;
  /** Different users; all clients without one count as one. */
  readonly users: number;
  /** In the order of their joining; undefined where only the counts were asked for. */
  readonly members: readonly PresentClient[] | undefined;
  /** Whether more clients are in it than `members` has, or may be than are counted. */
  readonly isPartial: boolean;
}

/** A client has come into a channel, or is in it no longer, on any of the gateways. */
export interface PresenceChange {
  readonly type: 'joined' | 'left';
  readonly client: PresentClient;
}
