/** Characters of an expression that a message repeats. */
const MAX_QUOTED = 200;

/** Text of the configuration as messages repeat it. */
export function quotable(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
}
