import { crc32c } from '../../../core/crc32c.ts';
import {
  CHECKED_FROM,
  CHECKSUM_AT,
  CHECKSUM_VERSION,
  HEADER_LENGTHS,
  INITIAL_VERSION,
  RECORD_HEADER,
  VERSION,
} from './batch-format.ts';
import { batchFacts } from './batch-reading.ts';

/** Stands for the batches of a page that could not be read. */
export const LOST = Buffer.from([0]);

/** Why a stored batch cannot be read; undefined for one that can. Never throws. */
export function damageIn(value: Buffer): string | undefined {
  const version = value[0] ?? 0;
  if (version === LOST[0]) return 'damaged: the page with the batch could not be read';
  if (version < INITIAL_VERSION || version > VERSION) return `damaged: ${version} is not a version of a batch`;
  if (version < CHECKSUM_VERSION) {
    return isWellFormed(value) ? undefined : 'damaged: the records of the batch do not end where it ends';
  }
  if (value.length < CHECKED_FROM) return 'damaged: the batch is cut off';
  if (crc32c(value, CHECKED_FROM, value.length) !== value.readUInt32LE(CHECKSUM_AT))
    return 'damaged: the checksum of the batch is wrong';
  return undefined;
}

/** All that can be checked in a batch without a checksum: whether its lengths and offsets fit. */
function isWellFormed(value: Buffer): boolean {
  try {
    const { records, span, recordsAt } = batchFacts(value);
    let at = recordsAt;
    let lowest = 0;
    for (let index = 0; index < records; index += 1) {
      const delta = value.readUInt32LE(at);
      if (delta < lowest || delta >= span) return false;
      lowest = delta + 1;
      at = behindRecord(value, at);
    }
    return at === value.length;
  } catch {
    // RangeError: a length leads out of the batch.
    return false;
  }
}

function behindRecord(value: Buffer, start: number): number {
  let at = start + RECORD_HEADER + length(value, start + 12) + length(value, start + 16);
  for (let left = value.readUInt32LE(start + 20); left > 0; left -= 1)
    at += HEADER_LENGTHS + value.readUInt32LE(at) + length(value, at + 4);
  return at;
}

/** -1 is for what is absent. */
function length(value: Buffer, at: number): number {
  const length = value.readInt32LE(at);
  if (length < -1) throw new RangeError('a negative length');
  return Math.max(length, 0);
}
