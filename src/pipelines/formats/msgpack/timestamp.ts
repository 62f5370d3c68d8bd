import { invalid } from '../base/failure.ts';
import { isoText, shortened } from '../base/iso-time.ts';

/** The type of the extension that is a point in time. */
export const TIMESTAMP = -1;

/** Data of a timestamp of 4, 8 or 12 bytes as text in ISO 8601, with nanoseconds where it has some. */
export function timestampText(data: Buffer): string {
  const [seconds, nanoseconds] = timeIn(data);
  const text = nanoseconds < 1_000_000_000n ? isoText(seconds * 1_000_000_000n + nanoseconds, 9) : undefined;
  if (text === undefined) throw invalid('it has a timestamp that is no point in time');
  return shortened(text);
}

function timeIn(data: Buffer): readonly [seconds: bigint, nanoseconds: bigint] {
  if (data.length === 4) return [BigInt(data.readUInt32BE()), 0n];
  if (data.length === 8) {
    const both = data.readBigUInt64BE();
    return [both & 0x3_ffff_ffffn, both >> 34n];
  }
  if (data.length === 12) return [data.readBigInt64BE(4), BigInt(data.readUInt32BE())];
  throw invalid(`it has a timestamp of ${data.length} bytes; there are those of 4, 8 and 12`);
}
