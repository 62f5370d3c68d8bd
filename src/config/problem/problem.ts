import { type ErrorCode, TidegateError } from '../../core/errors.ts';
import type { SourceText } from './source-text.ts';

/** The place of a setting: `['pipelines', 'rooms-in', 'sink']`. */
export type Path = readonly (string | number)[];

/** `note`: a fact that is worth a word when the file is checked, and nothing to be fixed. */
export type Severity = 'error' | 'warning' | 'note';

/** What a check found, by path; the loader adds file, line and column. */
export interface Finding {
  readonly severity: Severity;
  readonly path: Path;
  readonly message: string;
  /** `key` where the word before the colon is wrong, not what it holds. */
  readonly at?: 'key' | 'value';
  /** Exact place in the text, where it is not the place of the path. */
  readonly offset?: number;
  /** The text that `offset` is in; that of the setting's place where it is left out. */
  readonly text?: SourceText;
  readonly code?: ErrorCode;
}

/** One mistake or doubt about a configuration. `line` and `column` count from 1; 0 where there is no text. */
export interface Problem {
  readonly severity: Severity;
  readonly code: ErrorCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted, as `pipelines.rooms-in.sink.topic.names[0]`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Thrown with everything that is wrong with a configuration, one line each in `message`. */
export class ConfigError extends TidegateError {
  readonly problems: readonly Problem[];
  /** Files that were read until then, as absolute paths: what a program watches that waits for better ones. */
  readonly files: readonly string[];

  constructor(problems: readonly Problem[], files: readonly string[] = []) {
    super(commonCode(problems), problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.files = files;
  }
}

export function failing(path: Path, message: string, more: Partial<Finding> = {}): Finding {
  return { severity: 'error', path, message, ...more };
}

export function doubting(path: Path, message: string, more: Partial<Finding> = {}): Finding {
  return { severity: 'warning', path, message, ...more };
}

/** `file:line:col  path  what is wrong`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message } = problem;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const text = problem.severity === 'error' ? message : `${problem.severity}: ${message}`;
  return [place, path, text].filter((part) => part !== '').join('  ');
}

export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The code that all share, or TG_CONFIG_INVALID for a mixture. */
function commonCode(problems: readonly Problem[]): ErrorCode {
  const [first] = problems;
  return first !== undefined && problems.every(({ code }) => code === first.code) ? first.code : 'TG_CONFIG_INVALID';
}
