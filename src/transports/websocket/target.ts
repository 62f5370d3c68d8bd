import type { Access, AccessPort } from '../../core/access.ts';
import type { ClientMemory } from '../../core/client-memory.ts';
import type { Socket } from '../../core/socket.ts';
import type { HandshakeRequest, Refusal } from './handshake.ts';
import type { Route } from './route.ts';

/** What a server needs of an endpoint to let clients in. */
export interface HandshakeTarget {
  readonly name: string;
  /** The paths that lead to it. */
  readonly routes: readonly Route[];
  /** Whether pages of that origin may connect, at that Host, with TLS or without. Clients that are not browsers send none, and are not asked for it. */
  isAllowed(origin: string, host: string | undefined, isSecure: boolean): boolean;
  /** Subprotocols that are spoken; a client that offers none of them gets none. */
  readonly protocols: readonly string[];
  /** Its codec has a rule of its own for the path's parameters, and closes a client that breaks it with the reason. */
  readonly checksParams: boolean;
  /** Whether clients may negotiate compression (RFC 7692). */
  readonly compresses: boolean;
  /** Whether clients may receive server-sent events instead of opening a WebSocket. */
  readonly streams: boolean;
  /** Largest message in bytes, after decompression; a larger one closes the socket with 1009. */
  readonly maxPayload: number;
  /** Where unfinished messages are counted. */
  readonly memory: ClientMemory;
  /** Why no socket may come in now, or undefined. Asked for each handshake. */
  refusal(request: HandshakeRequest): Refusal | undefined;
  /** What finds out about each client before it is let in; undefined: nothing has to be found out. */
  readonly access?: AccessPort | undefined;
  /** Called for every handshake that was refused. */
  refused(request: HandshakeRequest, refusal: Refusal): void;
  accept(socket: Socket, request: HandshakeRequest, access?: Access): void;
}
