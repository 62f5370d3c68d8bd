import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Farewell, Frame } from '../../core/frame.ts';
import type { Headers } from '../../core/headers.ts';
import type { MemberEvent } from '../../core/membership.ts';
import type { Message } from '../../core/message.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { FrameGroup, SharedFrame } from '../../core/shared-frame.ts';
import type { WriteLease } from '../write-lease.ts';
import type { Residence } from './residence.ts';

/** A connection as its room sees it. */
export interface Guest {
  readonly info: ConnectionInfo;
  /** What it may do now. */
  readonly permissions: Permissions;
  admit(name: string): void;
  /** False for a direct message that the client has no room for: it reads too slowly, or its connection is closing. */
  hear(event: MemberEvent): boolean;
  inform(frame: SharedFrame): void;
  dismiss(farewell: Farewell): void;
}

/** A guest that is a connection of the endpoint. */
export interface EndpointGuest extends Guest {
  /** Gives it records. */
  deliver(group: FrameGroup): void;
}

/** What a room needs of the endpoint whose members it keeps. */
export interface RoomEndpoint<G extends Guest> {
  /** The frame that the codec makes for several clients; null where they hear nothing, or it fails, which is logged as on `what`. */
  said(what: string, make: () => Frame | null): SharedFrame | null;
  /** Sends out what waits for the end of the turn: it is for those who are in by now. */
  sendWaiting(): void;
  /** Says something to all members that are in but these. */
  tellOthers(frames: readonly SharedFrame[], except: ReadonlySet<G>): void;
  /** The history of the endpoint, for a client that has just been let in. */
  replay(guest: G): void;
  closeAllForRestart(): void;
  readonly size: number;
}

/** Members of a room on all gateways, as far as the endpoint and the gateway's start and stop are concerned. */
export interface RoomPresence extends Residence {
  /** Names of all members everywhere, in the order of their joining. */
  readonly names: readonly string[];
  /** Why no client can be let in yet, or undefined. */
  readonly notReadyReason: string | undefined;
  /** Messages of members are written only while it is held: no other gateway has given their names away. */
  readonly lease: WriteLease;
  /** The incarnation of the gateway whose member sent it; undefined if the record has none. */
  authorOf(record: Message): string | undefined;
  /** Whether a record that is read now is a message of a member whose gateway is known to be dead. */
  isTooLate(record: Message): boolean;
  /** Whether an earlier record was written when its gateway had no lease any more. */
  wasTooLate(author: string, timestamp: number): boolean;
  /** The deadline of a stop has come: what waits for the lease is lost. */
  abandon(): void;
}

/** The room that the clients of an endpoint are in. */
export interface EndpointRoom<G extends Guest> {
  readonly presence: RoomPresence;
  /** Headers of what members say. */
  readonly authorship: Headers;
  enter(guest: G): void;
  leave(guest: G): void;
  /** `done` is called once: until then the message counts as one that the sender has in flight. */
  direct(guest: G, to: string, content: string, done: () => void): void;
  /** Without a target: everyone. `done`: as with a direct message. */
  kick(guest: G, target: string | undefined, done: () => void): void;
  /** Once a second. */
  sweep(): void;
}
