import type { Mark } from '../core/group-state.ts';

/** Marks as commits keep them, one behind the other: an offset, then the watermark, or whether what was given out early is stored. */
export type StoredMarks = (number | boolean)[];

export function storedMarks(marks: readonly Mark[]): StoredMarks {
  return marks.flatMap((mark) => [mark.at, 'watermark' in mark ? mark.watermark : mark.isStored]);
}

/** Undefined for what is not a list of marks. */
export function marksIn(stored: unknown): Mark[] | undefined {
  if (!Array.isArray(stored) || stored.length % 2 !== 0) return undefined;
  const marks: Mark[] = [];
  for (let place = 0; place < stored.length; place += 2) {
    const [at, what] = stored.slice(place, place + 2) as [unknown, unknown];
    if (!Number.isSafeInteger(at)) return undefined;
    if (typeof what === 'boolean') marks.push({ at: at as number, isStored: what });
    else if (Number.isFinite(what)) marks.push({ at: at as number, watermark: what as number });
    else return undefined;
  }
  return marks;
}
