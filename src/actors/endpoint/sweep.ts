import { tell } from '../lifecycle.ts';
import type { Connection } from './connection.ts';
import { closing, FRAME_TOO_LONG } from './connection-machine.ts';
import type { SweepLimits } from './endpoint-context.ts';

/** A closing handshake that takes longer is cut. */
const CLOSE_TIMEOUT = 5;
/**
 * Seconds between two looks at a socket that is not read: it is read for one turn, to see a close or a pong behind what waits,
 * and to answer a ping.
 */
const LOOK_INTERVAL = 2;

/** Which time limit a connection was ended for, as the label of the metric. */
type TimeReason = 'stall_timeout' | 'frame_timeout' | 'ping_timeout';

/**
 * Looks after the time limits of all connections of an endpoint, once a second: a timer per connection would cost
 * more memory than the connection's own state. Returns which of them has ended the connection.
 */
export function sweepConnection(connection: Connection, now: number, limits: SweepLimits): TimeReason | undefined {
  if (connection.closingSince > 0) {
    if (now - connection.closingSince > CLOSE_TIMEOUT) connection.socket.terminate();
    return undefined;
  }
  connection.introduction?.sweep(now);
  connection.session?.sweep(now);
  if (!connection.isOpen) return;
  if (isStalled(connection, now, limits.stallTimeout)) {
    tell(connection.actor, closing('slow'));
    return 'stall_timeout';
  }
  if (connection.parts.inbound.isHeld) {
    if ((now - connection.parts.inbound.pingedAt) % LOOK_INTERVAL === LOOK_INTERVAL - 1)
      connection.parts.inbound.look();
    pingUnread(connection, now, limits.pingInterval);
    return undefined;
  }
  if (connection.socket.isStarved) {
    // It is not read because others hold too much: neither its message nor its pong can come.
    connection.parts.inbound.partialSince = now;
    connection.parts.inbound.heardAt = now;
    if (connection.isWaitingForPings) pingUnread(connection, now, limits.pingInterval);
    else connection.parts.inbound.pingedAt = now;
    return undefined;
  }
  if (isPartial(connection, now, limits.frameTimeout)) {
    const close = closing('tooBig', FRAME_TOO_LONG);
    connection.broke(close.code, close.reason);
    tell(connection.actor, close);
    return 'frame_timeout';
  }
  if (
    connection.parts.inbound.pingedAt > connection.parts.inbound.heardAt &&
    now - connection.parts.inbound.pingedAt > limits.pingTimeout
  ) {
    // In the middle of a frame a peer cannot answer (RFC 6455 5.5.3): the frame timeout rules then.
    if (connection.parts.inbound.partialSince > 0) return undefined;
    connection.socket.terminate();
    return 'ping_timeout';
  }
  if (
    connection.parts.inbound.pingedAt <= connection.parts.inbound.heardAt &&
    now - connection.parts.inbound.pingedAt >= limits.pingInterval
  ) {
    connection.parts.inbound.pingedAt = now;
    connection.ping();
  }
  return undefined;
}

/** Clients of some protocols leave where no ping comes: they get pings also while they are not read, and no pong is expected. */
function pingUnread(connection: Connection, now: number, interval: number): void {
  const { inbound } = connection.parts;
  if (!connection.isWaitingForPings || now - inbound.pingedAt < interval) return;
  inbound.pingedAt = now;
  connection.ping();
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
    connection.parts.inbound.partialSince = 0;
    return false;
  }
  if (connection.parts.inbound.partialSince === 0) connection.parts.inbound.partialSince = now;
  return now - connection.parts.inbound.partialSince > timeout;
}
