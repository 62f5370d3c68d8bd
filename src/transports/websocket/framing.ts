import * as ws from 'ws';
import type { Frame } from '../../core/component.ts';

// @types/ws does not know Sender.frame, which ws exports for exactly this use.
const { frame } = (ws as unknown as { Sender: unknown }).Sender as {
  frame(
    data: Buffer,
    options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
  ): Buffer[];
};

const TEXT = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
const BINARY = { ...TEXT, opcode: 2 };

/**
 * The bytes of a data frame from server to client (RFC 6455 5.2): unfragmented, unmasked, no extension. Made once,
 * they may be written to any number of sockets.
 */
export function encodeFrame({ data, binary }: Frame): Buffer {
  const payload = typeof data === 'string' ? Buffer.from(data) : data;
  const parts = frame(payload, binary ? BINARY : TEXT);
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
