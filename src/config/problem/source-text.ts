import type { LineCounter } from 'yaml';

/** A file, or what is in its place. */
export interface SourceText {
  readonly file: string;
  /** Where relative paths of it begin. */
  readonly folder: string;
  /** undefined where a program gives its settings as an object, so there is no text. */
  readonly lines: LineCounter | undefined;
}
