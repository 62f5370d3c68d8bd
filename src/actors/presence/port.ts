import type { Identity, Member } from '../../core/component.ts';

/** A connection that asks to be let in. The presence knows it by this object alone. */
export interface Newcomer {
  readonly identity: Exclude<Identity, { type: 'refused' }>;
}

/** What one read of the presence topic changed, in the log's order. */
export type Change =
  /** `newcomer`: where it is one of ours, which is let in by this. */
  | { readonly type: 'joined'; readonly member: Member; readonly newcomer?: Newcomer }
  | { readonly type: 'left'; readonly member: Member }
  /** One of ours came second to its name. */
  | { readonly type: 'taken'; readonly newcomer: Newcomer };

/** Something that a member of this gateway is to hear, or to suffer, whoever asked for it and where. */
export type Order =
  | { readonly type: 'direct'; readonly to: Newcomer; readonly from: string; readonly content: string }
  | { readonly type: 'kick'; readonly target: Newcomer; readonly by: string };

export interface PresenceObserver {
  /** Never empty. */
  changed(changes: readonly Change[]): void;
  ordered(orders: readonly Order[]): void;
  /** The other gateways have declared this one dead and given its members' names away: every socket has to go. */
  fenced(): void;
}

/** Who is in a room, on this gateway and on all others. */
export interface PresencePort {
  /** Names of all members everywhere, in the order of their joining. */
  readonly names: readonly string[];
  /** Why nobody can be let in yet, or undefined. */
  readonly trouble: string | undefined;
  /** Begins to follow the room, once its topics exist. */
  start(): void;
  /** Asks for a newcomer to be let in; the answer comes by `changed`. */
  join(newcomer: Newcomer): void;
  /** A connection has gone, let in or not. */
  leave(newcomer: Newcomer): void;
  direct(from: string, to: string, content: string): 'sent' | 'unknown' | 'unavailable';
  /** Without a target: everyone. */
  kick(by: string, target: string | undefined): 'sent' | 'unknown' | 'unavailable';
  /** Says goodbye to the other gateways, after the last member has left; resolves when the log has it. */
  resign(): Promise<void>;
  close(): Promise<void>;
}
