import type Fzstd from 'fzstd';
import { lazyLibrary } from '../../../core/lazy-library.ts';
import { formatSize } from '../../../core/units.ts';
import { TooLarge } from './unpacked-limit.ts';

/*
 * zstd for Node versions whose zlib has none (before 22.15). fzstd takes no limit and makes room for whatever a frame says of
 * itself, so frames are looked through before. https://datatracker.ietf.org/doc/html/rfc8878
 */

const MAGIC = 0xfd2fb528;
/** Without its last four bits, which are free. */
const SKIPPABLE = 0x184d2a5;
/** Kinds of blocks. */
const REPEATED_BYTE = 1;
const COMPRESSED = 2;
/** The most that a block holds. */
const BLOCK = 131_072;
/** Place of the byte that says how large the window is, where a frame has one. */
const WINDOW_AT = 5;
/** The window that a decoder is to support by RFC 8878. fzstd moves the whole of it with each block, so more is slow. */
const WIDEST = 8 * 1_048_576;

const fzstd = lazyLibrary<typeof Fzstd>('fzstd');

interface Frame {
  /** Of what it holds, where it says so. */
  readonly size: number | undefined;
  /** How far back it may refer, in bytes; undefined where it may refer to all that it holds, and says its size. */
  readonly window: number | undefined;
  /** Bytes that its blocks can hold at most. */
  readonly most: number;
  /** Place behind it. */
  readonly end: number;
}

/** Throws where the bytes are not zstd, or would be more than `limit` bytes. */
export function unpackZstd(packed: Buffer, limit: number): Buffer {
  const parts: Uint8Array[] = [];
  let room = limit;
  for (let at = 0; at < packed.length; ) {
    if (packed.readUInt32LE(at) >>> 4 === SKIPPABLE) {
      at += 8 + packed.readUInt32LE(at + 4);
      continue;
    }
    const frame = readFrame(packed, at);
    const part = unpackFrame(packed.subarray(at, frame.end), frame, room);
    parts.push(part);
    room -= part.length;
    at = frame.end;
  }
  return Buffer.concat(parts);
}

function readFrame(packed: Buffer, start: number): Frame {
  const flags = packed.readUInt8(start + 4);
  if (packed.readUInt32LE(start) !== MAGIC) throw new RangeError('it is not zstd');
  const singleSegment = (flags & 0x20) !== 0;
  if ((flags & 3) !== 0) throw new RangeError('it needs a dictionary');
  let at = start + 5;
  const descriptor = singleSegment ? 0 : packed.readUInt8(at++);
  const size = readSize(packed, at, flags >>> 6, singleSegment);
  at += size.bytes;
  const base = 2 ** (10 + (descriptor >>> 3));
  const window = singleSegment ? undefined : base + (base / 8) * (descriptor & 7);
  let most = 0;
  for (let last = false; !last; ) {
    const head = packed.readUIntLE(at, 3);
    last = (head & 1) === 1;
    const kind = (head >>> 1) & 3;
    at += 3 + (kind === REPEATED_BYTE ? 1 : head >>> 3);
    most += kind === COMPRESSED ? BLOCK : head >>> 3;
  }
  const end = at + ((flags & 4) === 0 ? 0 : 4);
  if (end > packed.length) throw new RangeError('it is cut off');
  return { size: size.value, window, most, end };
}

/** Field of 0 (1 with a single segment), 2, 4 or 8 bytes; that of 2 counts from 256. */
function readSize(packed: Buffer, at: number, flag: number, singleSegment: boolean): { bytes: number; value?: number } {
  switch (flag) {
    case 0:
      return singleSegment ? { bytes: 1, value: packed.readUInt8(at) } : { bytes: 0 };
    case 1:
      return { bytes: 2, value: packed.readUInt16LE(at) + 256 };
    case 2:
      return { bytes: 4, value: packed.readUInt32LE(at) };
    default:
      return { bytes: 8, value: Number(packed.readBigUInt64LE(at)) };
  }
}

function unpackFrame(packed: Buffer, { size, window, most }: Frame, room: number): Uint8Array {
  if (size !== undefined && size > room) throw new TooLarge();
  if (window === undefined && size !== undefined && size > WIDEST)
    return fzstd().decompress(packed, new Uint8Array(size));
  const useful = usefulWindow(most);
  if (window === undefined || window <= useful) return unpackPiecewise(packed, room, () => new TooLarge());
  const narrowed = Buffer.from(packed);
  narrowed[WINDOW_AT] = (Math.log2(useful) - 10) << 3;
  return useful >= Math.min(most, room)
    ? unpackPiecewise(narrowed, room, () => new TooLarge())
    : unpackPiecewise(narrowed, useful, () => tooWide(window));
}

/** A window larger than all that is in it is of no use, and fzstd makes room for it in each frame. A power of two. */
function usefulWindow(most: number): number {
  let window = BLOCK;
  while (window < most && window < WIDEST) window *= 2;
  return window;
}

function tooWide(window: number): Error {
  const widest = formatSize(WIDEST);
  return new RangeError(
    `its window of ${formatSize(window)} is larger than ${widest}, which takes Node 22.15 or later`,
  );
}

function unpackPiecewise(packed: Buffer, room: number, refusal: () => Error): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const decoder = new (fzstd().Decompress)((part) => {
    size += part.length;
    if (size > room) throw refusal();
    parts.push(part);
  });
  decoder.push(packed, true);
  return Buffer.concat(parts, size);
}
