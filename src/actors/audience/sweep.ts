import type { Connection } from '../connection/connection.ts';
import { closing } from '../connection/machine.ts';
import { timePayload } from '../connection/pings.ts';
import { tell } from '../lifecycle.ts';

/** Seconds. */
export interface SweepLimits {
  readonly pingInterval: number;
  /** A peer that has not been heard of for so long after a ping is dead. */
  readonly pingTimeout: number;
  /** A message must be complete so long after its first byte. */
  readonly frameTimeout: number;
  /** A peer must take at least one byte in this time while bytes wait for it. */
  readonly stallTimeout: number;
}

/** A closing handshake that takes longer is cut. */
const CLOSE_TIMEOUT = 5;
/**
 * Seconds between two looks at a socket that is not read: it is read for one turn, to see a close or a pong behind what waits,
 * and to answer a ping.
 */
const LOOK_INTERVAL = 2;

/**
 * Looks after the time limits of all connections of an endpoint, once a second: a timer per connection would cost
 * more memory than the connection's own state.
 */
export function sweepConnection(connection: Connection, now: number, limits: SweepLimits): void {
  if (connection.closingSince > 0) {
    if (now - connection.closingSince > CLOSE_TIMEOUT) connection.socket.terminate();
    return;
  }
  if (isStalled(connection, now, limits.stallTimeout)) {
    tell(connection.actor, closing('slow'));
    return;
  }
  if (connection.isHeld) {
    if ((now - connection.pingedAt) % LOOK_INTERVAL === LOOK_INTERVAL - 1) connection.look();
    return;
  }
  if (isPartial(connection, now, limits.frameTimeout)) {
    tell(connection.actor, closing('tooBig', 'frame took too long'));
    return;
  }
  if (connection.pingedAt > connection.heardAt && now - connection.pingedAt > limits.pingTimeout) {
    // In the middle of a frame a peer cannot answer (RFC 6455 5.5.3): the frame timeout rules then.
    if (connection.partialSince === 0) connection.socket.terminate();
  } else if (connection.pingedAt <= connection.heardAt && now - connection.pingedAt >= limits.pingInterval) {
    connection.pingedAt = now;
    connection.socket.ping(timePayload());
  }
}

function isStalled(connection: Connection, now: number, timeout: number): boolean {
  const { buffered, written } = connection.socket;
  const delivered = written - buffered;
  if (buffered === 0 || delivered !== connection.lastDelivered) {
    connection.lastDelivered = delivered;
    connection.stuckSince = now;
    return false;
  }
  return now - connection.stuckSince > timeout;
}

function isPartial(connection: Connection, now: number, timeout: number): boolean {
  if (connection.socket.partial === 0) {
    connection.partialSince = 0;
    return false;
  }
  if (connection.partialSince === 0) connection.partialSince = now;
  return now - connection.partialSince > timeout;
}
