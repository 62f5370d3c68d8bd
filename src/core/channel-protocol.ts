import type { ChannelPosition } from './channel-position.ts';
import type { Rejection } from './errors.ts';
import type { Frame } from './frame.ts';
import type { KeptRecords } from './kept-records.ts';
import type { Message } from './message.ts';
import type { ChannelPresence, PresenceChange } from './presence.ts';

/** What a client hears of a subscription that begins. */
export interface SubscriptionFacts {
  /** Where it is before the records that follow. Left out: the channel has no positions. */
  readonly position?: ChannelPosition | undefined;
  /** Where it has asked for records since a position: whether it gets all of them. */
  readonly recovered?: boolean | undefined;
}

/** The part of a wire protocol for channels. Pure, as the rest of the codec. */
export interface ChannelProtocol<State = unknown> {
  /** The answer to a `subscribe`. Null: none. */
  subscribed(state: State, correlation: unknown, channel: string, facts: SubscriptionFacts, now: number): Frame | null;
  /** The answer to an `unsubscribe`; with a `reason`, the gateway itself has ended the subscription. Null: none. */
  unsubscribed(
    state: State,
    correlation: unknown,
    channel: string,
    reason: Rejection | null,
    now: number,
  ): Frame | null;
  /** The answer to a `subscribe` or `unsubscribe` that was not done. Null: none. */
  refused(state: State, correlation: unknown, channel: string, rejection: Rejection, now: number): Frame | null;
  /**
   * In place of `record` on endpoints with channels: made once for all subscribers of the channel. Undefined: the record is
   * for all clients. Null: not for clients. `position`: where a client is that has the record; undefined: the channel has none.
   */
  publication(
    channel: string | undefined,
    message: Message,
    position: ChannelPosition | undefined,
    now: number,
  ): Frame | null;
  /** Records of the channel were lost while it was read; made once for all its subscribers. `position`: where it goes on. */
  gap(channel: string, position: ChannelPosition, reason: GapReason, now: number): Frame | null;
  /** For protocols whose clients can ask which clients are in their channels. */
  readonly presence?: PresenceProtocol<State>;
  /** For protocols whose clients can ask for the records that are kept of their channels. */
  readonly history?: HistoryProtocol<State>;
}

/** The part of a wire protocol for records that are kept. Pure, as the rest of the codec. */
export interface HistoryProtocol<State = unknown> {
  /** The answer to a `history`. Null: none. */
  answered(state: State, correlation: unknown, channel: string, records: KeptRecords, now: number): Frame | null;
}

/** The part of a wire protocol for the presence of channels. Pure, as the rest of the codec. */
export interface PresenceProtocol<State = unknown> {
  /** The answer to a `presence`. Null: none. */
  answered(state: State, correlation: unknown, channel: string, presence: ChannelPresence, now: number): Frame | null;
  /** The frame by which the subscribers of a channel learn of a change, made once for all of them. Null: none. */
  announce(channel: string, change: PresenceChange, now: number): Frame | null;
}

/** epoch: the topic was created anew, or has another number of partitions. expired: records were removed before they were read. */
export type GapReason = 'epoch' | 'expired';
