/** What a codec knows of a new connection. */
export interface ConnectionInfo {
  /** Unique among all gateways. */
  readonly clientId: string;
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** What the configuration calls it (`presence.name`): for codecs whose clients know of each other, in place of their own choice. */
  readonly name?: string;
  /** Whether it may renew its token: frames by which clients do that mean it. Left out: no. */
  readonly renews?: boolean;
  /** Whether it may subscribe to channels: frames by which clients do that mean it. Left out: no. */
  readonly subscribes?: boolean;
  /** Whether it may publish to channels: frames by which clients do that mean it. Left out: no. */
  readonly publishes?: boolean;
  /** Whether it may ask which clients are in a channel that it is subscribed to. Left out: no. */
  readonly seesPresence?: boolean;
  /** Whether it may ask for the records that are kept of a channel that it is subscribed to. Left out: no. */
  readonly seesHistory?: boolean;
  /** Headers of the handshake that the endpoint lists in `meta_headers`, in lower case; undefined where it lists none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
