import {
  type ChannelPosition,
  type ChannelProtocol,
  type Effect,
  type Frame,
  JsonPath,
  type Message,
  parsePosition,
  positionText,
  type Rejection,
} from '../sdk/index.ts';

const DATA = new JsonPath(['data']);

/** What a client publishes to a channel. */
export interface ChannelPublication {
  /** As in `ChannelRequest`. */
  readonly channel: string;
  /** The JSON of `data` as it came; undefined where there is none. */
  readonly payload: Buffer | undefined;
  /** The same as JSON.parse gives it. */
  readonly json: unknown;
}

/** What a client asks of its channels. */
export interface ChannelRequest {
  readonly type: 'subscribe' | 'unsubscribe';
  /** Empty if the frame has no text there; no channel has the empty name. */
  readonly channel: string;
  /** What `subscribe` may have: undefined where it has none, null where that is no position. */
  readonly since: ChannelPosition | null | undefined;
}

/** Longer names are those of no channel, and are not repeated. */
const MAX_CHANNEL = 255;

/** The request in a frame that has one. */
export function channelRequestIn(json: unknown): ChannelRequest | undefined {
  const { type, channel, since } = (json ?? {}) as Readonly<Record<string, unknown>>;
  if (type !== 'subscribe' && type !== 'unsubscribe') return undefined;
  return { type, channel: typeof channel === 'string' ? channel : '', since: sinceIn(since) };
}

/** The publication in a frame that has one. `frame`: the JSON as it came. */
export function publicationIn(json: unknown, frame: Buffer): ChannelPublication | undefined {
  const { type, channel, data } = (json ?? {}) as Readonly<Record<string, unknown>>;
  if (type !== 'publish') return undefined;
  const bytes = DATA.bytesIn(frame);
  // A copy: what else is in the frame may be much longer, and would be kept with it.
  const payload = bytes && Buffer.from(bytes);
  return { channel: typeof channel === 'string' ? channel : '', payload, json: data };
}

function sinceIn(value: unknown): ChannelPosition | null | undefined {
  if (value === undefined || value === null) return undefined;
  return (typeof value === 'string' ? parsePosition(value) : undefined) ?? null;
}

export function requestEffect({ type, channel, since }: ChannelRequest, correlation: unknown): Effect {
  if (type === 'unsubscribe' || since === undefined) return { type, channel, correlation };
  return { type, channel, since, correlation };
}

/** `answer`: a frame with the id of the request, as the JSON that came; `jsonValueOf`: the payload as JSON, null for none. */
export function channelProtocol(
  answer: (type: string, id: unknown, facts: object) => Frame,
  jsonValueOf: (message: Message) => Buffer | string | null,
): ChannelProtocol {
  return {
    subscribed: (_state, id, channel, { position, recovered }) =>
      answer('subscribed', id, { channel, position: position && positionText(position), recovered }),
    unsubscribed: (_state, id, channel, reason) => answer('unsubscribed', id, { channel, ...reason }),
    refused: (_state, id, channel, rejection: Rejection) =>
      answer('error', id, { ...(channel !== '' && channel.length <= MAX_CHANNEL && { channel }), ...rejection }),
    publication: (channel, message, position) => {
      const value = jsonValueOf(message);
      if (value === null) return null;
      const named = channel === undefined ? '' : `,"channel":${JSON.stringify(channel)}`;
      const placed = position === undefined ? '' : `,"position":"${positionText(position)}"`;
      const head = Buffer.from(`{"type":"message"${named}${placed},"data":`);
      const body = typeof value === 'string' ? Buffer.from(value) : value;
      return { data: Buffer.concat([head, body, END]), binary: false };
    },
    gap: (channel, position, reason) => answer('gap', undefined, { channel, position: positionText(position), reason }),
  };
}

const END = Buffer.from('}');
