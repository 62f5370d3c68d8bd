/**
 * Stands between `$` and `{!` where a text has them as plain characters (`$${!`, or a variable's value): the
 * expression compiler must not take them for an expression. A Unicode noncharacter, so no real text has it.
 */
export const LITERAL_MARK = '\uFDD0';

export function withoutMarks(text: string): string {
  return text.includes(LITERAL_MARK) ? text.replaceAll(LITERAL_MARK, '') : text;
}
