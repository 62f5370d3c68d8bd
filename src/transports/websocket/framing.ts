import * as ws from 'ws';
import type { Frame } from '../../core/frame.ts';
import { joined } from '../../core/joined.ts';
import type { EncodeFrame } from '../../core/shared-frame.ts';
import { deflate } from './deflate.ts';
import { eventText } from './event-text.ts';

// @types/ws does not know Sender.frame, which ws exports for exactly this use.
const { frame } = (ws as unknown as { Sender: unknown }).Sender as {
  frame(
    data: Buffer,
    options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
  ): Buffer[];
};

const TEXT = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
const BINARY = { ...TEXT, opcode: 2 };

/** How messages to clients are compressed. */
export interface Compression {
  /** Bytes from which a message is compressed. */
  readonly threshold: number;
  /** Of zlib, from 1 to 9. */
  readonly level: number;
}

/** The bytes of frames for clients. Without compression all frames go as they are. */
export function frameEncoder(compression: Compression | undefined): EncodeFrame {
  return (frame, wire, shared) => {
    if (wire === 'plain') return encodeFrame(frame);
    if (wire === 'sse') return eventText(frame, shared.position);
    return (compression && compressedFrame(frame, compression)) ?? shared.bytes('plain');
  };
}

/**
 * The bytes of a data frame from server to client (RFC 6455 5.2): unfragmented, unmasked, not compressed. Made once,
 * they may be written to any number of sockets. Where the frame has `following` bytes, they are to be written behind these.
 */
export function encodeFrame({ data, binary, following = 0 }: Frame): Buffer {
  const payload = typeof data === 'string' ? Buffer.from(data) : data;
  if (following > 0) return Buffer.concat([header(binary, payload.length + following), payload]);
  const parts = frame(payload, binary ? BINARY : TEXT);
  return joined(parts);
}

/** The bytes of a compressed frame (RFC 7692 6.1); undefined where compressing is not worth it. */
function compressedFrame({ data, binary }: Frame, { threshold, level }: Compression): Buffer | undefined {
  const payload = typeof data === 'string' ? Buffer.from(data) : data;
  if (payload.length < threshold) return undefined;
  const compressed = deflate(payload, level);
  if (compressed.length >= payload.length) return undefined;
  return joined(frame(compressed, { ...(binary ? BINARY : TEXT), rsv1: true }));
}

/** The header of a frame of so many bytes, in the shortest form, as RFC 6455 5.2 asks for. */
function header(binary: boolean, length: number): Buffer {
  const first = 0x80 | (binary ? BINARY.opcode : TEXT.opcode);
  if (length < 126) return Buffer.from([first, length]);
  const bytes = Buffer.alloc(length < 65_536 ? 4 : 10);
  bytes[0] = first;
  bytes[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) bytes.writeUInt16BE(length, 2);
  else bytes.writeUIntBE(length, 4, 6);
  return bytes;
}
