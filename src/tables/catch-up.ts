import type { Clock } from '../core/clock.ts';
import type { LogAdmin, Reader } from '../core/log.ts';
import { pause } from '../core/waiting.ts';
import { type End, endsOf, haveReached } from './positions.ts';

/** Milliseconds between two checks of a reader's positions, and between two attempts to get the ends. */
const CHECK_INTERVAL = 20;
const RETRY_INTERVAL = 500;

/** Waits until a live reader has read what its topics had when this was called; false once `isWanted` is false. */
export async function catchUp(
  admin: LogAdmin,
  reader: Reader,
  topics: readonly string[],
  clock: Clock,
  isWanted: () => boolean,
): Promise<boolean> {
  let ends: readonly End[] | undefined;
  let recreations = 0;
  // Ends from before a topic was deleted and created again are those of the old topic.
  const following = reader.gaps$.subscribe(({ recreated }) => {
    if (recreated !== true) return;
    ends = undefined;
    recreations += 1;
  });
  try {
    while (isWanted()) {
      if (ends === undefined) {
        const before = recreations;
        // The log reports by itself that it is unavailable.
        const found = await endsOf(admin, topics).catch(() => undefined);
        if (recreations === before) ends = found;
      }
      if (ends !== undefined && haveReached(reader.positions(), ends)) return true;
      await pause(clock, ends === undefined ? RETRY_INTERVAL : CHECK_INTERVAL);
    }
    return false;
  } finally {
    following.unsubscribe();
  }
}
