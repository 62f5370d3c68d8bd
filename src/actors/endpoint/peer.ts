import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Farewell } from '../../core/frame.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { Wire } from '../../core/shared-frame.ts';
import type { ConnectionActor } from './connection-machine.ts';
import type { Introduction } from './introduction.ts';
import type { EndpointGuest } from './room-port.ts';
import type { Session } from './session.ts';

/** A connection as its own parts see it: the client at the other end, the state of its machine, and where they report to. */
export interface Peer {
  readonly info: ConnectionInfo;
  /** How frames go to it. */
  readonly wire: Wire;
  /** Address of the client. */
  readonly remote: string;
  readonly actor: ConnectionActor;
  /** Whether frames may still go to it. */
  readonly isOpen: boolean;
  /** Whether it is let in: by its room, and by what it says of itself. */
  readonly isAdmitted: boolean;
  /** Whether what it says is processed now. */
  readonly isHeard: boolean;
  /** Undefined once its client is in, and where clients do not say who they are. */
  readonly introduction: Introduction | undefined;
  /** The state that the codec keeps for this connection. */
  state: unknown;
  /** The connection as a member of its room; undefined where clients know nothing of each other. */
  readonly guest: EndpointGuest | undefined;
  /** What it may do now. */
  readonly permissions: Permissions;
  /** Undefined where nothing had to be found out about the client. */
  readonly session: Session | undefined;
  dismiss(farewell: Farewell): void;
  /** One message or request less is in flight. */
  settledOne(): void;
  /** The codec threw: the client is closed. */
  codecFailed(step: string, error: unknown): void;
  /** Writing to the socket threw: it is cut. */
  failed(error: unknown): void;
}
