/**
 * Characters of which nothing is seen: controls, formats, halves of surrogate pairs, line ends, code points that are never a
 * character, what Unicode calls ignorable (joiners, fillers, variation selectors), and the blanks of Braille, of music and of Khitan.
 */
const UNPRINTABLE = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}\u{16fe4}`;
const HAS_UNPRINTABLE = new RegExp(`[${UNPRINTABLE}]`, 'u');
const HAS_VISIBLE = new RegExp(`[^${UNPRINTABLE}\\p{Zs}]`, 'u');

/** Whether a text has a character of which nothing is seen: it may look like another text. A space is none of them. */
export function hasUnprintable(text: string): boolean {
  return HAS_UNPRINTABLE.test(text);
}

/** Whether anything is seen of a text: spaces are not. */
export function hasVisible(text: string): boolean {
  return HAS_VISIBLE.test(text);
}
