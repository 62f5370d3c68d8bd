import type { ChannelPosition } from './channel-position.ts';
import type { CodecMessage } from './content.ts';
import type { Frame } from './frame.ts';
import type { KeptQuery } from './kept-records.ts';
import type { TopicRequest } from './topic-request.ts';

/** What a codec wants done. The list is open: later protocols add to it. */
export type Effect =
  /**
   * Hand a message to the pipelines; `settled` is asked for the answer, in the order of the frames. `channel`: what it is
   * published to, as `meta.channel`, if the client may publish there; only for codecs with `channels`, on endpoints with channels.
   */
  | {
      readonly type: 'publish';
      readonly message: CodecMessage;
      readonly channel?: string | undefined;
      readonly correlation?: unknown;
    }
  /**
   * Say this to the client, in the order of the frames. `rejected`: a short label of why its frame is refused, for
   * metrics; `why`: the same in words, as the frame has it, for the dead letter.
   */
  | { readonly type: 'reply'; readonly frame: Frame; readonly rejected?: string; readonly why?: string }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** Say something to one other member, wherever it is connected. Only for codecs with a `membership`. */
  | { readonly type: 'direct'; readonly to: string; readonly content: string }
  /** Send a member away; without a target all of them, the sender too. Only for codecs with a `membership`. */
  | { readonly type: 'kick'; readonly target?: string }
  /** Ask the endpoint for something about topics. Only for codecs with `topics`. */
  | { readonly type: 'request'; readonly request: TopicRequest; readonly correlation?: unknown }
  /**
   * Let the client in, which shows this token, if it shows one, and where it is in channels that it is to be in. Only for codecs
   * with an `introduction`, once at a time, and before all other effects but `reply` and `close`; those behind it are done when
   * the client is in.
   */
  | {
      readonly type: 'introduce';
      readonly token?: string | undefined;
      readonly since?: ReadonlyMap<string, ChannelPosition | null>;
      readonly correlation?: unknown;
    }
  /** Show a new token. Only for codecs with `renewal`, of connections that may renew theirs. */
  | { readonly type: 'renew'; readonly token: string; readonly correlation?: unknown }
  /**
   * Subscribe the client to a channel. Only for codecs with `channels`, of connections that may subscribe. `since`: it has the
   * records in front of that position; null: it has shown one that is none.
   */
  | {
      readonly type: 'subscribe';
      readonly channel: string;
      readonly since?: ChannelPosition | null | undefined;
      readonly correlation?: unknown;
    }
  /** End a subscription; see `subscribe`. */
  | { readonly type: 'unsubscribe'; readonly channel: string; readonly correlation?: unknown }
  /**
   * Ask which clients are in a channel that the client is subscribed to; `counts`: only how many. Only for codecs whose `channels` have
   * `presence`, of connections that may see it. Refused by `refused` of `channels`.
   */
  | {
      readonly type: 'presence';
      readonly channel: string;
      readonly counts: boolean;
      readonly correlation?: unknown;
    }
  /**
   * Ask for the records that are kept of a channel that the client is subscribed to. Only for codecs whose `channels` have `history`,
   * of connections that may see it. Refused by `refused` of `channels`.
   */
  | {
      readonly type: 'history';
      readonly channel: string;
      readonly query: KeptQuery;
      readonly correlation?: unknown;
    };
