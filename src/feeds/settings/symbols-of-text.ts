/** Symbols of a feed: a longer list is taken for a mistake, as every 200 of them by default are a connection. */
export const MAX_SYMBOLS = 100_000;

/**
 * The symbols of a text with one on each line. Empty lines and those that begin with # are left out. Throws an Error if
 * there is none: a file that is being written is empty for a moment, and the feed must not end because of that.
 */
export function symbolsOfText(text: string): ReadonlySet<string> {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  const symbols = new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
  if (symbols.size === 0) throw new Error('it has no symbols');
  if (symbols.size > MAX_SYMBOLS) throw new Error(`it has more than ${MAX_SYMBOLS} symbols`);
  return symbols;
}
