import { TidegateError } from '../core/errors.ts';

/** The limits of evaluating one expression for one message. */
export const LIMITS = {
  /** Nodes of the expression that are evaluated, each call and each item of a list anew; comparisons and matches count too. */
  steps: 1_500_000,
  /** Evaluations that have started and not ended: nested ones, and the values of one object. */
  depth: 25_000,
  /** Items of a list that the expression makes; a list of the message may have more. */
  items: 20_000,
  /** The same in an expression with a `^( )` that JSONata sorts itself, with memory that grows by the square of the items. */
  sortedItems: 4_000,
  /** Characters of one text that the expression makes, and of all texts in its result. */
  text: 16_777_216,
  /** Characters of all texts that the expression makes. */
  texts: 67_108_864,
  /** Values in its result, and in what `$string` writes. */
  values: 1_048_576,
  /** Levels of objects and lists in its result, and in what `$string` writes. */
  nesting: 1_000,
  /** Characters of a text, times the size of the program, that a regular expression is matched against at once. */
  matching: 8_388_608,
  /** Characters of a picture string. */
  picture: 1_000,
  /** Characters of a time that `$toMillis` reads by a picture. */
  time: 64,
  /** CPU time, so that a busy machine makes no difference. */
  milliseconds: 1_000,
} as const;

/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;
/** Milliseconds after which time is counted and the event loop turns, so that a long evaluation delays only its own pipeline. */
const SLICE = 20;

/** What one evaluation has used so far. Each method throws TG_EXPRESSION_LIMIT once a limit is exceeded. */
export class Budget {
  private steps = 0;
  private characters = 0;
  private milliseconds = 0;
  private countedAt = performance.now();
  /** undefined until the first slice is over. */
  private cpu: NodeJS.CpuUsage | undefined;
  /** Whether the event loop should turn before the next step. */
  isTurnDue = false;

  /** `depth`: evaluations that have started and not ended. */
  step(depth = 0): void {
    this.steps += 1;
    if (this.steps > LIMITS.steps) throw overLimit(`takes more than ${LIMITS.steps} steps`);
    if (depth > LIMITS.depth) throw overLimit(`is more than ${LIMITS.depth} evaluations deep`);
    if (this.steps % STEPS_PER_LOOK === 0) this.look();
  }

  /** Call it for each text that is made, before it is made if its length is known. */
  write(characters: number): void {
    if (characters > LIMITS.text) throw overLimit(`makes a text of more than ${LIMITS.text} characters`);
    this.characters += characters;
    if (this.characters > LIMITS.texts) throw overLimit(`makes texts of more than ${LIMITS.texts} characters in all`);
  }

  /** Counts the time, once per slice. */
  look(): void {
    const now = performance.now();
    if (now - this.countedAt < SLICE) return;
    // A process that was stopped or had to wait has used less CPU time than has passed.
    const passed = now - this.countedAt;
    this.milliseconds += this.cpu === undefined ? Math.min(passed, 5 * SLICE) : Math.min(passed, usedSince(this.cpu));
    if (this.milliseconds > LIMITS.milliseconds) throw overLimit(`takes more than ${LIMITS.milliseconds} ms`);
    this.isTurnDue = true;
    this.count();
  }

  /** The event loop has turned; that time does not count. */
  turned(): void {
    this.isTurnDue = false;
    this.count();
  }

  private count(): void {
    this.countedAt = performance.now();
    this.cpu = process.cpuUsage();
  }
}

/** In milliseconds. */
function usedSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** `what` follows "the expression", `advice` says what to do. */
export function overLimit(what: string, advice = 'split the message, or filter its lists earlier'): TidegateError {
  return new TidegateError(
    'TG_EXPRESSION_LIMIT',
    `the expression ${what}, which is the limit for one message; ${advice} (docs/expressions.md#limits)`,
  );
}
