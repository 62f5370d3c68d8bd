import { RE2JS } from 're2js';
import { reasonOf } from '../../core/errors.ts';

/** A regular expression of Java's, in an engine whose time grows with the length of the text alone. */
export class JavaRegex {
  private readonly pattern: RE2JS;

  /** Throws an Error that says what is wrong with it, or what of Java's syntax there is not. */
  constructor(source: string) {
    const missing = missingFeature(source);
    if (missing !== undefined) throw notHere(missing);
    try {
      this.pattern = RE2JS.compile(source);
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  /** Whether all of the text matches. */
  matches(text: string): boolean {
    return this.pattern.matcher(text).matches();
  }

  /**
   * The text with its first match replaced, as java.util.regex.Matcher.replaceFirst does: $1 and ${name} are groups, and
   * a backslash takes the meaning from the character behind it. Throws an Error for a group that there is not.
   */
  replaceFirst(text: string, replacement: string): string {
    return this.pattern.matcher(text).replaceFirst(replacement, true);
  }

  /** The mistake in a replacement; undefined if there is none. */
  flawOf(replacement: string): string | undefined {
    const groups = this.pattern.groupCount();
    const names = Object.keys(this.pattern.namedGroups());
    for (const [, escaped, name, digit] of replacement.matchAll(/(\\[\s\S]?)|\$\{([^}]*)\}|\$(.?)/g)) {
      if (escaped === '\\') return 'character to be escaped is missing';
      if (escaped !== undefined) continue;
      if (name !== undefined && !names.includes(name)) return `No group with name {${name}}`;
      if (digit !== undefined && !/\d/.test(digit)) return 'Illegal group reference';
      if (digit !== undefined && Number(digit) > groups) return `No group ${digit}`;
    }
    return undefined;
  }
}

/** A class of characters whose escapes are gone; a bracket that comes first is a letter. */
const CLASS = /\[\^?\]?((?:\[:\w+:\]|[^\]])*)\]/g;

/** What Java has and this engine does not, or reads otherwise. */
function missingFeature(source: string): string | undefined {
  const text = source.replace(/\\Q[\s\S]*?(?:\\E|$)/g, '').replace(/\\\\/g, '');
  if (/\\(?:[1-9]|k<)/.test(text)) return 'backreferences';
  const plain = text.replace(/\\[\s\S]/g, '_');
  // They would be taken for letters of the class.
  const isNested = (inner = '') => /&&|\[/.test(inner.replace(/\[:\w+:\]/g, ''));
  if ([...plain.matchAll(CLASS)].some(([, inner]) => isNested(inner)))
    return 'classes of characters within classes, and &&';
  const outside = plain.replace(CLASS, '_');
  if (/\(\?<?[=!]/.test(outside)) return 'look-ahead and look-behind';
  if (/\(\?>/.test(outside)) return 'atomic groups';
  return /[*+?}]\+/.test(outside) ? 'possessive quantifiers' : undefined;
}

function notHere(what: string): Error {
  return new Error(
    `${what} are not supported, as their time has no limit or they are read otherwise here; use the syntax of RE2 (https://github.com/google/re2/wiki/Syntax)`,
  );
}
