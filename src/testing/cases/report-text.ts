import type { Place } from '../../config/tests/load-tests.ts';
import { type Failure, type FileResult, type TestResult, type Totals, totalsOf } from './result.ts';

/** Differences of one test that are printed. */
const MAX_FAILURES = 10;

/** Puts a colour around text, or not. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

export const PLAIN: Paint = { good: (text) => text, bad: (text) => text, faint: (text) => text };
export const COLOURED: Paint = {
  good: (text) => `\u001b[32m${text}\u001b[39m`,
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
  faint: (text) => `\u001b[2m${text}\u001b[22m`,
};

/** What became of the tests of a file, for reading. */
export function reportFile({ file, results, invalid }: FileResult, paint: Paint): string {
  const lines = invalid === undefined ? results.flatMap((result) => linesOf(result, paint)) : [paint.bad(invalid)];
  return [file, ...lines.map((line) => (line === '' ? line : `  ${line}`))].join('\n');
}

/** The last line: `3 passed, 1 failed`. */
export function reportTotals(totals: Totals, paint: Paint): string {
  const { passed, failed, invalid } = totals;
  const parts = [`${passed} passed`, `${failed} failed`];
  if (invalid > 0) parts.push(invalid === 1 ? '1 file invalid' : `${invalid} files invalid`);
  return (failed + invalid === 0 ? paint.good : paint.bad)(parts.join(', '));
}

/** The whole report. */
export function reportFiles(files: readonly FileResult[], paint: Paint = PLAIN): string {
  return [...files.map((file) => reportFile(file, paint)), '', reportTotals(totalsOf(files), paint)].join('\n');
}

function linesOf({ name, place, milliseconds, failures }: TestResult, paint: Paint): string[] {
  const time = paint.faint(`(${Math.round(milliseconds)} ms)`);
  if (failures.length === 0) return [`${paint.good('ok')}    ${name} ${time}`];
  const shown = failures.slice(0, MAX_FAILURES).flatMap((failure) => failureLines(failure, paint));
  const more = failures.length - MAX_FAILURES;
  return [
    `${paint.bad('FAIL')}  ${name}  ${paint.faint(formatPlace(place))}`,
    ...shown,
    ...(more > 0 ? [`        and ${more} more`] : []),
  ];
}

function failureLines({ path, place, what, details }: Failure, paint: Paint): string[] {
  const head = `      ${[path, paint.faint(formatPlace(place))].filter((part) => part !== '').join('  ')}`;
  const lines =
    'sentence' in what
      ? [`        ${what.sentence}`]
      : [`        expected  ${paint.good(what.expected)}`, `        got       ${paint.bad(what.got)}`];
  return [head, ...lines, ...(details === undefined ? [] : details.split('\n').map((line) => `        ${line}`))];
}

export function formatPlace({ file, line, column }: Place): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}
