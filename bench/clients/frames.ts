/*
 * Client frames (RFC 6455 5.2), made by hand: the load must cost less than what it measures. The mask is constant
 * but not zero, because ws skips the unmasking of a zero mask and no real client sends one.
 */

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const TEXT = 0x81;
const PONG = 0x8a;

export function textFrame(payload: Buffer): Buffer {
  return frame(TEXT, payload);
}

export function pongFrame(payload: Buffer): Buffer {
  return frame(PONG, payload);
}

function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length > 0xffff) throw new RangeError('frames of the bench are small');
  const head = length < 126 ? Buffer.from([first, 0x80 | length]) : Buffer.from([first, 0xfe, length >> 8, length]);
  return Buffer.concat([head, MASK, mask(payload)]);
}

function mask(payload: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (MASK[index & 3] ?? 0)));
}

const START = '{"messageType":"USER","content":"';
const END = '","timestamp":"2024-01-01T12:00:00.000Z"}';
/** Where the content of an envelope begins, and of which letter the type begins, in bytes. */
export const CONTENT_AT = START.length;
export const TYPE_AT = '{"messageType":"'.length;

/** An S1 envelope of exactly `bytes` bytes whose content begins with `content`. */
export function envelope(bytes: number, content = ''): Buffer {
  const room = bytes - START.length - END.length;
  if (content.length > room) throw new RangeError(`an envelope of ${bytes} bytes has no room for "${content}"`);
  return Buffer.from(START + content.padEnd(room, 'x') + END);
}
