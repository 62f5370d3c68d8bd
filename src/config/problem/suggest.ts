/** `; did you mean "x"?` for the candidate nearest to a mistyped word, or nothing where none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  return asked(suggest(word, candidates));
}

/** `; did you mean "x"?`, or nothing. */
export function asked(nearest: string | undefined): string {
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

/** The candidate nearest to a mistyped word; undefined where none is near. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate === word) continue;
    const known = plain(candidate);
    // Each letter more or less is a step, so these cannot be nearer.
    if (Math.abs(known.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, known);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Suggestions for many words among many candidates: as many as fit into a budget of comparisons, and none behind it. A file
 * with thousands of names and thousands of mistakes is so read in a time that grows with its length, and not with its square.
 */
export class Suggestions {
  private left: number;
  private readonly known = new WeakMap<ReadonlySet<string>, Map<string, string | undefined>>();

  constructor(comparisons = 200_000) {
    this.left = comparisons;
  }

  suggest(word: string, candidates: ReadonlySet<string>): string | undefined {
    const known = this.known.get(candidates) ?? new Map<string, string | undefined>();
    this.known.set(candidates, known);
    if (known.has(word) || this.left < candidates.size) return known.get(word);
    this.left -= candidates.size;
    const nearest = suggest(word, candidates);
    known.set(word, nearest);
    return nearest;
  }
}

/** Names that a message repeats. */
const MAX_NAMES = 20;

/** `a, b, c`, and of a long list its first names and how many more there are. */
export function listNames(names: ReadonlySet<string>): string {
  const shown: string[] = [];
  for (const name of names) {
    if (shown.length === MAX_NAMES) break;
    shown.push(name);
  }
  const more = names.size - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}

/** Upper case and `maxPayload` for `max_payload` should not hide a suggestion. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_.]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment) from one word to another. */
export function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min(cell(row, j) + 1, cell(next, j - 1) + 1, cell(row, j - 1) + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (isSwap) cost = Math.min(cost, cell(before, j - 2) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return cell(row, to.length);
}

function cell(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
