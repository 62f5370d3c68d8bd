import { RE2JS } from 're2js';
import { reasonOf } from '../core/errors.ts';
import { type Budget, LIMITS, overLimit } from './budget.ts';

interface Program {
  readonly pattern: RE2JS;
  /** Number of instructions; in the worst case each character of a text costs as many steps. */
  readonly size: number;
}

/** By the regular expression that JSONata has parsed. */
const programs = new WeakMap<RegExp, Program>();

/**
 * Compiles a regular expression for RE2, whose time grows linearly with the text. Throws an Error if RE2 does not support
 * it.
 */
export function compileRegex(regex: RegExp): Program {
  const known = programs.get(regex);
  if (known !== undefined) return known;
  const refused = (why: string) =>
    new Error(
      `the regular expression /${regex.source}/ cannot be used: ${why}; use the syntax of RE2 (https://github.com/google/re2/wiki/Syntax), which has no backreferences and no look-around, because their time has no limit`,
    );
  // The translation would treat it as plain letters.
  if (/(?<!\\)(?:\\\\)*\\k</.test(regex.source)) throw refused('it has a backreference');
  try {
    const pattern = RE2JS.compile(RE2JS.translateRegExp(regex));
    const program = { pattern, size: pattern.programSize() };
    programs.set(regex, program);
    return program;
  } catch (error) {
    throw refused(reasonOf(error));
  }
}

/** Used by JSONata instead of a RegExp with the flag g. */
export class LinearRegex {
  lastIndex = 0;
  private readonly program: Program;
  private readonly budget: Budget;

  constructor(regex: RegExp, budget: Budget) {
    this.program = compileRegex(regex);
    this.budget = budget;
  }

  exec(text: string): (string[] & { index: number }) | null {
    this.budget.step();
    const { pattern, size } = this.program;
    const left = text.length - this.lastIndex;
    if (left * size > LIMITS.matching)
      throw overLimit(
        `matches a regular expression against ${left} characters, and one of this size takes at most ${Math.floor(LIMITS.matching / size)}`,
      );
    const matcher = pattern.matcher(text);
    const isFound = left >= 0 && matcher.find(this.lastIndex);
    if (left > 1_000) this.budget.look();
    this.lastIndex = isFound ? matcher.end() : 0;
    return isFound ? matchOf(matcher) : null;
  }
}

function matchOf(matcher: ReturnType<RE2JS['matcher']>): string[] & { index: number } {
  const groups: string[] = [];
  // A group without a match is undefined, as it is for RegExp.
  for (let group = 0; group <= matcher.groupCount(); group += 1)
    groups.push(matcher.group(group) ?? (undefined as never));
  return Object.assign(groups, { index: matcher.start() });
}

/**
 * A test of texts by a pattern whose time grows with the length of the text alone, whatever the pattern is. Throws an
 * Error for a pattern that such an engine cannot have.
 */
export function linearTest(pattern: string, flags = 'u'): { test(text: string): boolean; toString(): string } {
  const { pattern: program } = compileRegex(new RegExp(pattern, flags));
  return { test: (text) => program.matcher(text).find(), toString: () => `/${pattern}/${flags}` };
}
