/*
 * Two kinds of pings, distinguished by their length: 8 bytes measure the round trip, 9 follow records that were
 * delivered, so that the pong says that the peer has them. A pong that answers no ping of ours (RFC 6455 5.5.3) is neither.
 */

const CONFIRMING = 0x63;

/** A ping carries when it was sent, so that its pong tells the round trip. */
export function timePayload(): Buffer {
  const payload = Buffer.allocUnsafe(8);
  payload.writeDoubleBE(performance.now());
  return payload;
}

/** Seconds since the ping that this pong answers; undefined when the pong answers no ping of ours. */
export function roundTrip(payload: Buffer): number | undefined {
  const seconds = payload.length === 8 ? (performance.now() - payload.readDoubleBE()) / 1_000 : Number.NaN;
  return seconds >= 0 && seconds < 3_600 ? seconds : undefined;
}

export function numberPayload(number: number): Buffer {
  const payload = Buffer.allocUnsafe(9);
  payload[0] = CONFIRMING;
  payload.writeDoubleBE(number, 1);
  return payload;
}

/** The number that the ping of this pong carried; undefined for any other pong. */
export function numberOf(payload: Buffer): number | undefined {
  return payload.length === 9 && payload[0] === CONFIRMING ? payload.readDoubleBE(1) : undefined;
}
