import type { ChannelProtocol, Effect, Frame, Message, Rejection } from '../sdk/index.ts';

/** What a client asks of its channels. */
export interface ChannelRequest {
  readonly type: 'subscribe' | 'unsubscribe';
  /** Empty if the frame has no text there; no channel has the empty name. */
  readonly channel: string;
}

/** Longer names are those of no channel, and are not repeated. */
const MAX_CHANNEL = 255;

/** The request in a frame that has one. */
export function channelRequestIn(json: unknown): ChannelRequest | undefined {
  const { type, channel } = (json ?? {}) as { readonly type?: unknown; readonly channel?: unknown };
  if (type !== 'subscribe' && type !== 'unsubscribe') return undefined;
  return { type, channel: typeof channel === 'string' ? channel : '' };
}

export function requestEffect(request: ChannelRequest, id: unknown): Effect {
  return { ...request, correlation: id };
}

/** `answer`: a frame with the id of the request, as the JSON that came; `jsonValueOf`: the payload as JSON, null for none. */
export function channelProtocol(
  answer: (type: string, id: unknown, facts: object) => Frame,
  jsonValueOf: (message: Message) => Buffer | string | null,
): ChannelProtocol {
  return {
    subscribed: (_state, id, channel) => answer('subscribed', id, { channel }),
    unsubscribed: (_state, id, channel, reason) => answer('unsubscribed', id, { channel, ...reason }),
    refused: (_state, id, channel, rejection: Rejection) =>
      answer('error', id, { ...(channel !== '' && channel.length <= MAX_CHANNEL && { channel }), ...rejection }),
    publication: (channel, message) => {
      const value = jsonValueOf(message);
      if (value === null) return null;
      const named = channel === undefined ? '' : `,"channel":${JSON.stringify(channel)}`;
      const head = Buffer.from(`{"type":"message"${named},"data":`);
      const body = typeof value === 'string' ? Buffer.from(value) : value;
      return { data: Buffer.concat([head, body, END]), binary: false };
    },
  };
}

const END = Buffer.from('}');
