/** A client's own words that are sent back to it are cut here, in UTF-16 units. */
const MAX_QUOTE = 64;

/** A setting or a name is cut here, so that the words of a mistake around it are read. */
const MAX_VALUE = 200;

/** A reason that a client receives is cut here: that of a broker or a driver may repeat all that the client sent. */
const MAX_REASON = 1_000;

/** What an error repeats of a client's words: an error must not be as large as the frame that it is about. */
export function quote(words: string): string {
  return cut(words, MAX_QUOTE);
}

/** What an error repeats of a value that was given, such as a setting or an address: 200 UTF-16 units at most. */
export function quoteValue(value: string): string {
  return cut(value, MAX_VALUE);
}

/** What a client receives of the reason of a failure: 1,000 UTF-16 units at most. */
export function quoteReason(reason: string): string {
  return cut(reason, MAX_REASON);
}

/** A value of a header as it may be written to a terminal: 200 characters at most, and `?` in place of what is not ASCII. */
export function printableValue(value: string): string {
  return value.slice(0, MAX_VALUE).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** The first `most` UTF-16 units, with dots where there are more; never between the two halves of a character. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
