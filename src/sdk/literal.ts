/**
 * Put between `$` and `{!` if they are plain characters (`$${!`, or the value of a variable), so that they are not compiled
 * as an expression. It is a Unicode noncharacter, so no real text has it.
 */
export const LITERAL_MARK = '\uFDD0';

export function withoutMarks(text: string): string {
  return text.includes(LITERAL_MARK) ? text.replaceAll(LITERAL_MARK, '') : text;
}
