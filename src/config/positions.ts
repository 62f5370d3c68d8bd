import type { LineCounter } from 'yaml';
import { type Finding, formatPath, type Path, type Problem } from './problem.ts';

/** Where a setting is written. Offsets in the text. */
export interface Place {
  /** Of the word before the colon; undefined in a list. */
  readonly key: number | undefined;
  readonly value: number;
  /** The alias that brings the setting here, where it is written elsewhere. */
  readonly alias?: { readonly name: string; readonly offset: number } | undefined;
}

interface Entry {
  place: Place | undefined;
  /** Made with the first of them. */
  inner: Map<string, Entry> | undefined;
}

/** The place of each setting of a file, and how findings become problems with file, line and column. */
export class Positions {
  private readonly file: string;
  private readonly lines: LineCounter | undefined;
  private readonly root: Entry = { place: { key: undefined, value: 0 }, inner: undefined };

  /** Without `lines` there is no text, as where a program hands its settings over as an object. */
  constructor(file: string, lines?: LineCounter) {
    this.file = file;
    this.lines = lines;
  }

  enter(path: Path, place: Place): void {
    let entry = this.root;
    for (const step of path) {
      entry.inner ??= new Map();
      let next = entry.inner.get(String(step));
      if (next === undefined) {
        next = { place: undefined, inner: undefined };
        entry.inner.set(String(step), next);
      }
      entry = next;
    }
    entry.place = place;
  }

  /** In the order of the text. What is wrong with a value that aliases repeat is reported once. */
  problems(findings: readonly Finding[]): Problem[] {
    const located = findings.map((finding) => this.locate(finding));
    located.sort((one, other) => one.offset - other.offset || Number(one.isAliased) - Number(other.isAliased));
    const reported = new Set<string>();
    return located.flatMap(({ offset, isAliased, problem, message }) => {
      const subject = `${offset} ${message}`;
      if (isAliased && reported.has(subject)) return [];
      reported.add(subject);
      return [problem];
    });
  }

  private locate(finding: Finding) {
    const { severity, path, message, code = 'TG_CONFIG_INVALID' } = finding;
    const { place, isExact } = this.nearest(path);
    const at = isExact ? (finding.at ?? 'value') : 'key';
    const offset = finding.offset ?? (at === 'key' ? (place.key ?? place.value) : place.value);
    const { line, col: column } = this.positionOf(offset);
    const { alias } = place;
    const problem: Problem = {
      severity,
      code,
      file: this.file,
      line,
      column,
      path: formatPath(path),
      message: alias === undefined ? message : `${message} (by the alias *${alias.name} at ${this.describe(alias)})`,
    };
    return { offset, isAliased: alias !== undefined, problem, message };
  }

  /** The place of a setting, or of the nearest one around it where the file does not have it. */
  private nearest(path: Path): { place: Place; isExact: boolean } {
    let found = this.root.place as Place; // the root has one from the start
    let isExact = true;
    let entry: Entry | undefined = this.root;
    for (const step of path) {
      // A variable may fill one text that becomes a list: `brokers: "a:1,b:2"`.
      if (typeof step === 'number' && entry?.place !== undefined && entry.inner === undefined) break;
      entry = entry?.inner?.get(String(step));
      isExact = entry?.place !== undefined;
      found = entry?.place ?? found;
    }
    return { place: found, isExact };
  }

  private describe({ offset }: { readonly offset: number }): string {
    const { line, col } = this.positionOf(offset);
    return `${line}:${col}`;
  }

  private positionOf(offset: number): { line: number; col: number } {
    return this.lines?.linePos(offset) ?? { line: 0, col: 0 };
  }
}
