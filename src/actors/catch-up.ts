import type { LogAdmin, Reader } from '../core/log.ts';
import { type End, endsOf, haveReached } from './positions.ts';

/** Milliseconds between two looks at a reader's positions, and between two tries to ask for the ends. */
const LOOK = 20;
const RETRY = 500;

/** Waits until a reader has handed on what its topics had when this was called; false once `isWanted` says so. */
export async function catchUp(
  admin: LogAdmin,
  reader: Reader,
  topics: readonly string[],
  isWanted: () => boolean,
): Promise<boolean> {
  let ends: readonly End[] | undefined;
  // Ends of a topic that was deleted and created again are ends of the old one.
  const following = reader.gaps$.subscribe(({ recreated }) => {
    if (recreated === true) ends = undefined;
  });
  try {
    while (isWanted()) {
      // A log that is away says so by itself.
      ends ??= await endsOf(admin, topics).catch(() => undefined);
      if (ends !== undefined && haveReached(reader.positions(), ends)) return true;
      await new Promise((resolve) => setTimeout(resolve, ends === undefined ? RETRY : LOOK).unref());
    }
    return false;
  } finally {
    following.unsubscribe();
  }
}
