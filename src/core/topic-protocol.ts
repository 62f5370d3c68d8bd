import type { Frame } from './frame.ts';
import type { Message } from './message.ts';
import type { TopicOutcome, TopicView } from './topic-request.ts';

/** The part of a wire protocol for topics. Pure, as the rest of the codec. */
export interface TopicProtocol<State = unknown> {
  /** The answer to a request, in no given order. Null: none. A rejection always deserves one. */
  answered(state: State, correlation: unknown, outcome: TopicOutcome, now: number): Frame | null;
  /**
   * What answers to `listed` and `health` have in common, for all clients, in pieces of some kilobytes: such an answer may be
   * megabytes long, so it is made once for all clients, and other work is done between the pieces.
   */
  payload(view: TopicView): Iterable<string>;
  /** What one client's answer has before and behind that payload; together a text frame. */
  around(state: State, correlation: unknown, now: number): { readonly head: string; readonly tail: string };
  /** Records of a subscription for one client, in one frame. Never empty. */
  notify(state: State, messages: readonly Message[], now: number): Frame;
}
