import type { LineCounter } from 'yaml';

/** A file, or what is in its place. */
export interface SourceText {
  readonly file: string;
  /** Where relative paths of it begin. */
  readonly folder: string;
  /** undefined: there is no text, as where a program hands its settings over as an object. */
  readonly lines: LineCounter | undefined;
}
