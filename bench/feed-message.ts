export const FEED_START = '{"seq":"';
export const SEQ_DIGITS = 12;

/** Message number `seq` of the feed, of exactly `bytes` bytes. */
export function feedMessage(seq: number, bytes: number): Buffer {
  const begin = `${FEED_START}${String(seq).padStart(SEQ_DIGITS, '0')}","text":"`;
  return Buffer.from(`${begin.padEnd(bytes - 2, 'x')}"}`);
}
