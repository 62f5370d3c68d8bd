import type { AnyActorRef } from 'xstate';

/** How connections report to their endpoint. */
export interface ConnectionHub<Member> {
  /** Parent of the connections' machines. */
  readonly actor: AnyActorRef;
  /** What the next connection's machine is called; see Members. */
  nextName(): string;
  held(connection: Member, isHeld: boolean): void;
  /** The client broke the protocol and is closed with that code. */
  protocolBroken(connection: Member, code: number, message: string): void;
  closed(connection: Member, code: number, reason: string): void;
  /** The code of the connection itself threw: it is cut, and no other is concerned. */
  failed(connection: Member, error: unknown): void;
  /** It is known who the client is: it may be let in. */
  introduced(connection: Member): void;
  gone(connection: Member): void;
  /** The connection is gone and the last of its messages is settled. */
  left(connection: Member): void;
}
