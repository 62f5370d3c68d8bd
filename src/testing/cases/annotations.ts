import type { Problem } from '../../config/index.ts';
import { type FileResult, sentenceOf } from './result.ts';

/** Commands that make GitHub show what failed beside the lines of the file, one for each failure. */
export function githubAnnotations(files: readonly FileResult[]): string[] {
  return files.flatMap(({ results }) =>
    results.flatMap(({ name, failures }) =>
      failures.map((failure) => {
        const { path, place, details } = failure;
        const text = `${path === '' ? '' : `${path}: `}${sentenceOf(failure)}`;
        return annotation(place, name, details === undefined ? text : `${text}\n${details}`);
      }),
    ),
  );
}

/** The same for what is wrong with a file. */
export function problemAnnotation({ path, message, ...place }: Problem): string {
  return annotation(place, path, message);
}

interface Spot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function annotation({ file, line, column }: Spot, title: string, message: string): string {
  const spot = line === 0 ? {} : { line, col: column };
  const properties = Object.entries({ file, ...spot, title }).map(
    ([key, value]) => `${key}=${property(String(value))}`,
  );
  return `::error ${properties.join(',')}::${data(message)}`;
}

/** As GitHub's toolkit escapes them. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
