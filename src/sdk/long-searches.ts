import type { Budget } from './budget.ts';
import { LinearSearch } from './text-search.ts';

/** The function of that name, with its text, its pattern and its other arguments. */
type LongSearch = (text: string, pattern: string, more: readonly unknown[], budget: Budget) => unknown;

/** Functions of JSONata that search one text in another (https://docs.jsonata.org/string-functions), in linear time. */
export const LONG_SEARCHES: Readonly<Partial<Record<string, LongSearch>>> = {
  contains: (text, pattern) => new LinearSearch(text, pattern).next() >= 0,
  substringBefore: (text, pattern) => {
    const place = new LinearSearch(text, pattern).next();
    return place < 0 ? text : text.slice(0, place);
  },
  substringAfter: (text, pattern) => {
    const place = new LinearSearch(text, pattern).next();
    return place < 0 ? text : text.slice(place + pattern.length);
  },
  split: (text, pattern, [max]) => split(text, pattern, Math.floor(max as number)),
  replace: (text, pattern, [replacement, max], budget) =>
    replace({ text, pattern, replacement: String(replacement), max: (max as number | undefined) ?? Infinity }, budget),
};

function split(text: string, pattern: string, max: number): string[] {
  const search = new LinearSearch(text, pattern);
  const parts: string[] = [];
  let from = 0;
  while (parts.length < max) {
    const place = search.next();
    if (place < 0) {
      parts.push(text.slice(from));
      break;
    }
    parts.push(text.slice(from, place));
    from = place + pattern.length;
  }
  return parts;
}

interface Replacement {
  readonly text: string;
  readonly pattern: string;
  readonly replacement: string;
  readonly max: number;
}

function replace({ text, pattern, replacement, max }: Replacement, budget: Budget): string {
  const search = new LinearSearch(text, pattern);
  let result = '';
  let from = 0;
  for (let count = 0; count < max; count += 1) {
    const place = search.next();
    if (place < 0) break;
    result += text.slice(from, place) + replacement;
    from = place + pattern.length;
    budget.step();
  }
  return result + text.slice(from);
}
