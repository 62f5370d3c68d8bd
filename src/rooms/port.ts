import type { RoomPresence } from '../actors/endpoint/room-port.ts';
import type { Headers } from '../core/headers.ts';
import type { Identity, Member } from '../core/membership.ts';

/** A connection that asks to join. The presence knows it by this object alone. */
export interface Newcomer {
  readonly identity: Exclude<Identity, { type: 'refused' }>;
}

/** What changed in the room, in the log's order. */
export type Change =
  /** `newcomer`: for a connection of this gateway, which is in by this. */
  | { readonly type: 'joined'; readonly member: Member; readonly newcomer?: Newcomer }
  | { readonly type: 'left'; readonly member: Member }
  /** Another member has the name that this connection of ours asked for. */
  | { readonly type: 'taken'; readonly newcomer: Newcomer };

/** Called once with what became of a direct message or kick: false where it is lost. */
export type CommandDone = (isDone: boolean) => void;

/** A direct message or a kick for a member of this gateway, whichever gateway it comes from. */
export type RoomCommand =
  | {
      readonly type: 'direct';
      readonly to: Newcomer;
      readonly from: string;
      readonly content: string;
      /** Only where the sender is on this gateway, too. */
      readonly done?: CommandDone;
    }
  | { readonly type: 'kick'; readonly target: Newcomer; readonly by: string; readonly done?: CommandDone };

/** `unavailable`: this gateway has not read yet which members there are. */
export type CommandOutcome = 'sent' | 'unknown' | 'unavailable';

export interface PresenceObserver {
  /** Never empty. */
  changed(changes: readonly Change[]): void;
  commanded(commands: readonly RoomCommand[]): void;
  /** The other gateways have declared this one dead and given its members' names away: every socket has to be closed. */
  fenced(): void;
}

/** The members of a room, on this gateway and on all others. */
export interface PresencePort extends RoomPresence {
  /** Asks for a newcomer to become a member; the answer comes by `changed`. */
  join(newcomer: Newcomer): void;
  /** A connection has closed, whether it was a member or not. */
  leave(newcomer: Newcomer): void;
  /** Where the outcome is `sent`, `done` is called later: once the log has it, or the target's queue, or once it is lost. */
  direct(from: string, to: string, content: string, done?: CommandDone): CommandOutcome;
  /** Without a target: everyone. */
  kick(by: string, target: string | undefined, done?: CommandDone): CommandOutcome;
  /** Headers of the messages that members send from now on: they name the incarnation. */
  readonly authorship: Headers;
}
