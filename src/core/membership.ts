import type { ConnectionInfo } from './connection-info.ts';
import type { Effect } from './effect.ts';
import type { Farewell, Frame } from './frame.ts';

/** A client that was let in, under the name that all gateways know it by. */
export interface Member {
  readonly name: string;
  /** What the protocol remembers of it for the others, such as its age. */
  readonly details: Readonly<Record<string, string>>;
}

/** How a new connection is to be called. */
export type Identity =
  /** `prefix` and the next number of the room, which no other client ever had. */
  | { readonly type: 'numbered'; readonly prefix: string }
  /** The name that it asks for, which one client at a time may have; `taken` closes the second one. */
  | {
      readonly type: 'named';
      readonly name: string;
      readonly details: Readonly<Record<string, string>>;
      readonly taken: Farewell;
    }
  /** It cannot be let in. */
  | { readonly type: 'refused'; readonly farewell: Farewell };

/** What a member hears of the others. */
export type MemberEvent =
  | { readonly type: 'direct'; readonly from: string; readonly content: string }
  | { readonly type: 'kicked'; readonly by: string }
  /** Its own `direct` or `kick` was not done: no such member, not allowed, or the log is away. */
  | {
      readonly type: 'refused';
      readonly action: 'direct' | 'kick';
      readonly target: string | undefined;
      readonly reason: 'unknown' | 'forbidden' | 'unavailable';
    };

/** A client came or left, on any of the gateways. */
export interface RosterChange {
  readonly type: 'joined' | 'left';
  readonly member: Member;
}

/** The part of a wire protocol for members. Pure, as the rest of the codec. */
export interface Membership<State = unknown> {
  identify(connection: ConnectionInfo): Identity;
  event(state: State, event: MemberEvent, now: number): readonly Effect[];
  /** The frame for the other members, made once for all of them. Null: none. */
  announce(change: RosterChange, now: number): Frame | null;
  /** Names of all members in the order of their joining: for each new client, and for all clients now and then. */
  list(names: readonly string[], now: number): Frame | null;
}
