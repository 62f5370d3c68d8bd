import fc from 'fast-check';
import { reasonOf } from '../../core/errors.ts';
import { breachIn } from './breach.ts';

/** One thing that a component has to keep to. */
export interface Law {
  /** Such as `mask: leaves its input as it is`. */
  readonly title: string;
  /** Resolves when the law holds for all inputs that were tried. Rejects with a LawError. */
  check(): Promise<void>;
}

/** How laws are checked. */
export interface LawOptions {
  /** Settings to try, as in the YAML. The examples of the component if left out. */
  readonly configs?: readonly unknown[];
  /** Inputs that are tried for each law and each of the settings. 100 if left out. */
  readonly runs?: number;
  /** Where the inputs start: the same seed gives the same inputs. Chance if left out. */
  readonly seed?: number;
  /** Of a LawError: tries that input at once. */
  readonly path?: string;
  /** Milliseconds of real time that anything asynchronous may take. 2,000 if left out. */
  readonly timeout?: number;
}

/** A component breaks a law. The message says which one, with the smallest input that shows it, and what to do. */
export class LawError extends Error {
  /** What the law says, such as `leaves its input as it is`. */
  readonly law: string;
  readonly component: string;
  readonly seed: number;
  readonly path: string | undefined;

  constructor(facts: Failure, lines: readonly string[]) {
    super(lines.join('\n'), { cause: facts.cause });
    this.name = 'LawError';
    this.law = facts.law;
    this.component = facts.component;
    this.seed = facts.seed;
    this.path = facts.path;
  }
}

interface Failure {
  readonly law: string;
  readonly component: string;
  readonly seed: number;
  readonly path: string | undefined;
  readonly cause: unknown;
}

/** A law with the inputs that it is checked with. */
export interface Rule<Settings, Input> {
  /** What the component does where it keeps the law: "leaves its input as it is". */
  readonly says: string;
  readonly inputs: fc.Arbitrary<Input>;
  /** The input for a message of an error. */
  readonly show: (input: Input) => unknown;
  /** Throws a Breach. Any other error is one of the component that it may not throw there. */
  readonly check: (settings: Settings, input: Input) => Promise<void> | void;
  /** What to do about an error that is no Breach. */
  readonly advice: string;
}

/** Settings as they are written, and as `create` gets them. */
export interface Settings {
  readonly written: unknown;
  readonly parsed: unknown;
}

const RUNS = 100;

/** A law of a component, checked for each of its settings. */
export function lawOf<Input>(
  component: string,
  { runs = RUNS, seed, path }: LawOptions,
  settings: readonly Settings[],
  rule: Rule<Settings, Input>,
): Law {
  const check = async () => {
    for (const one of settings) {
      const property = fc.asyncProperty(rule.inputs, async (input) => {
        await rule.check(one, input);
      });
      const found = await fc.check(property, {
        numRuns: runs,
        ...(seed === undefined ? {} : { seed }),
        ...(path === undefined ? {} : { path }),
      });
      if (found.failed) throw errorOf(component, rule, one, found);
    }
  };
  return { title: `${component}: ${rule.says}`, check };
}

/** Checks all of them. Rejects with the first LawError, whose message ends with the titles of the others that are broken. */
export async function checkAll(laws: readonly Law[]): Promise<void> {
  const broken: { readonly title: string; readonly error: unknown }[] = [];
  for (const { title, check } of laws) {
    try {
      await check();
    } catch (error) {
      broken.push({ title, error });
    }
  }
  const [first, ...others] = broken;
  if (first === undefined) return;
  if (others.length > 0 && first.error instanceof Error)
    first.error.message += `\nother laws that are broken: ${others.map(({ title }) => title).join('; ')}`;
  throw first.error;
}

function errorOf<Input>(
  component: string,
  { says, show, advice }: Rule<Settings, Input>,
  { written }: Settings,
  found: fc.RunDetailsCommon<[Input]>,
): LawError {
  const { seed, counterexamplePath, counterexample, errorInstance: cause } = found;
  const path = counterexamplePath ?? undefined;
  const breach = breachIn(cause);
  const facts = { law: says, component, seed, path, cause };
  return new LawError(facts, [
    `${component} breaks the law: ${says}`,
    `settings: ${text(written)}`,
    ...(counterexample === null ? [] : [`smallest input: ${text(show(counterexample[0]))}`]),
    `what happened: ${breach?.what ?? `it threw ${reasonOf(cause)}`}`,
    `what to do: ${breach?.advice ?? advice}`,
    `to see it again: { seed: ${seed}${path === undefined ? '' : `, path: "${path}"`} }`,
  ]);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'none';
}
