import { type ChannelPosition, parsePosition } from '../../core/channel-position.ts';

/** Most positions of a handshake: there are no more partitions in which a connection may have channels. */
const MOST = 1_000;

/**
 * The positions that a client shows when it connects: parameters `since`, and the id of the last event that it has received
 * (HTML 9.2), which is newer than a `since` that an event stream repeats. Undefined where it shows none; what is no position is left out.
 */
export function shownPositions(
  url: string,
  lastEventId: string | readonly string[] | undefined,
): readonly ChannelPosition[] | undefined {
  const from = url.indexOf('?');
  const texts = from < 0 ? [] : new URLSearchParams(url.slice(from)).getAll('since').slice(0, MOST);
  if (typeof lastEventId === 'string' && lastEventId !== '') texts.unshift(lastEventId);
  if (texts.length === 0) return undefined;
  return texts.flatMap((text) => parsePosition(text) ?? []);
}
