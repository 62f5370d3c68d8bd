import type { KeptQuery, KeptRecords } from '../../core/kept-records.ts';
import type { ChannelHistory } from './channel-history.ts';
import type { PlacedFrame } from './kept-channel.ts';

/**
 * What of a channel's records is kept and asked for: no more than `room` bytes of frames, but one, so that a client can go on from
 * the last one that it has. `now`: milliseconds since the epoch.
 */
export function keptRecords(
  history: ChannelHistory,
  channel: string,
  { limit, since, reverse }: KeptQuery,
  room: number,
  now: number,
): KeptRecords {
  const place = history.placeOf(channel);
  const position = place?.at(place.next);
  let kept: readonly PlacedFrame[] = history.ring.newestOf(channel, place, Number.MAX_SAFE_INTEGER, now);
  if (since !== undefined) {
    const isLost =
      since === null ||
      place?.has(since) !== true ||
      since.offset > place.next ||
      (!reverse && since.offset < history.ring.sinceOf(channel, place, now));
    if (isLost) return { position, payloads: undefined };
    // A position is behind its record.
    kept = kept.filter(({ offset }) => (reverse ? offset + 1 < since.offset : offset >= since.offset));
  }
  const inOrder = reverse ? kept.toReversed() : kept;
  return { position, payloads: fitting(inOrder.slice(0, limit), room).map(({ frame }) => frame.payload) };
}

function fitting(frames: readonly PlacedFrame[], room: number): readonly PlacedFrame[] {
  let bytes = 0;
  const end = frames.findIndex(({ frame }, at) => {
    bytes += frame.size;
    return at > 0 && bytes > room;
  });
  return end < 0 ? frames : frames.slice(0, end);
}
