import type { LineCounter } from 'yaml';
import { type Finding, formatPath, type Path, type Problem } from '../problem/problem.ts';
import type { SourceText } from '../problem/source-text.ts';

/** Where a template is used. */
export interface Use {
  readonly template: string;
  readonly text: SourceText;
  readonly offset: number;
  /** The use of the template that this use is written in. */
  readonly outer: Use | undefined;
}

/** Where a setting is written. Offsets in the text. */
export interface Place {
  /** Of the word before the colon; undefined in a list. */
  readonly key: number | undefined;
  readonly value: number;
  /** The alias that brings the setting here, where it is written elsewhere. */
  readonly alias?: { readonly name: string; readonly offset: number } | undefined;
}

interface TextPlace extends Place {
  readonly text: SourceText;
  /** What brings the setting of a template here. */
  readonly use?: Use | undefined;
  /** Where a parameter that is the whole value got that value. */
  readonly given?: SourceText | undefined;
}

interface Entry {
  place: TextPlace | undefined;
  /** Made with the first of them. */
  inner: Map<string, Entry> | undefined;
}

/** The places of a setting and of all that is in it. */
export type Places = Entry;

/** The place of each setting, of one file or of several, and how findings become problems with file, line and column. */
export class Positions {
  readonly text: SourceText;
  /** In the order of their problems. */
  private readonly texts: SourceText[];
  private readonly root: Entry;

  constructor(file: string, lines?: LineCounter, folder = '') {
    this.text = { file, lines, folder };
    this.texts = [this.text];
    this.root = { place: { key: undefined, value: 0, text: this.text }, inner: undefined };
  }

  enter(path: Path, place: Place): void {
    this.entry(path).place = { ...place, text: this.text };
  }

  /** Takes the places of another file in, whose problems come behind those of all files so far. */
  adopt({ text }: Positions): void {
    this.texts.push(text);
  }

  /** The places of `path`, to be put elsewhere. */
  at(path: Path): Places | undefined {
    return this.find(path);
  }

  /** Takes the places of `path` away, to be put elsewhere. */
  take(path: Path): Places | undefined {
    const taken = this.find(path);
    this.find(path.slice(0, -1))?.inner?.delete(String(path.at(-1)));
    return taken;
  }

  /** Puts places from elsewhere at `path`, in place of what was there. */
  put(path: Path, places: Places | undefined): void {
    if (places === undefined) return;
    const around = this.entry(path.slice(0, -1));
    around.inner ??= new Map();
    around.inner.set(String(path.at(-1)), places);
  }

  /** Enters a setting of a template at the place where it is used. `given`: a parameter is its whole value, which is from there. */
  copy(from: Path, to: Path, use: Use, given?: SourceText): void {
    const place = this.find(from)?.place;
    if (place !== undefined) this.entry(to).place = { ...place, use, given };
  }

  /** The text and offset of the word before a setting's colon, or of the setting in a list. */
  keyOf(path: Path): { readonly text: SourceText; readonly offset: number } {
    const { place } = this.nearest(path);
    return { text: place.text, offset: place.key ?? place.value };
  }

  /** The text from which a value comes. */
  originOf(path: Path): SourceText {
    const { place } = this.nearest(path);
    return place.given ?? place.text;
  }

  /** `file:line:col` of the word before a setting's colon. */
  nameOf(path: Path): string {
    const { text, offset } = this.keyOf(path);
    return placeIn(text, offset, undefined);
  }

  /** Gives a finding the place that it has by now, for where its path means something else later. */
  pin(finding: Finding): Finding {
    const { text, offset } = this.locate(finding);
    return { ...finding, text, offset };
  }

  /** In the order of the texts. What is wrong with a value that aliases or templates repeat is reported once. */
  problems(findings: readonly Finding[]): Problem[] {
    const order = new Map(this.texts.map((text, index) => [text, index]));
    const located = findings.map((finding) => {
      const found = this.locate(finding);
      return { ...found, rank: order.get(found.text) ?? 0 };
    });
    located.sort(
      (one, other) =>
        one.rank - other.rank || one.offset - other.offset || Number(one.isRepeated) - Number(other.isRepeated),
    );
    const reported = new Set<string>();
    return located.flatMap(({ rank, offset, isRepeated, problem, message }) => {
      const subject = `${rank} ${offset} ${message}`;
      if (isRepeated && reported.has(subject)) return [];
      reported.add(subject);
      return [problem];
    });
  }

  private locate(finding: Finding) {
    const { severity, path, message, code = 'TG_CONFIG_INVALID' } = finding;
    const { place, isExact } = this.nearest(path);
    const text = finding.text ?? place.text;
    const at = isExact ? (finding.at ?? 'value') : 'key';
    const offset = finding.offset ?? (at === 'key' ? (place.key ?? place.value) : place.value);
    const { line, column } = lineOf(text, offset);
    const via = place.text === text ? viaOf(place) : '';
    const problem: Problem = {
      severity,
      code,
      file: text.file,
      line,
      column,
      path: formatPath(path),
      message: via === '' ? message : `${message} (${via})`,
    };
    return { text, offset, isRepeated: via !== '', problem, message };
  }

  /** The place of a setting, or of the nearest one around it where the file does not have it. */
  private nearest(path: Path): { place: TextPlace; isExact: boolean } {
    let found = this.root.place as TextPlace; // the root has one from the start
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

  private find(path: Path): Entry | undefined {
    let entry: Entry | undefined = this.root;
    for (const step of path) entry = entry?.inner?.get(String(step));
    return entry;
  }

  private entry(path: Path): Entry {
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
    return entry;
  }
}

/** What brings a setting to a place where it is not written; empty where nothing does. */
function viaOf({ alias, use, text }: TextPlace): string {
  const ways = alias === undefined ? [] : [`by the alias *${alias.name} at ${placeIn(text, alias.offset, text)}`];
  for (let one = use; one !== undefined; one = one.outer)
    ways.push(`by the template ${one.template}, used at ${placeIn(one.text, one.offset, text)}`);
  return ways.join(', ');
}

/** `file:line:col`, or `line:col` in a message that is about `near`. */
function placeIn(text: SourceText, offset: number, near: SourceText | undefined): string {
  const { line, column } = lineOf(text, offset);
  return text === near ? `${line}:${column}` : `${text.file}:${line}:${column}`;
}

function lineOf({ lines }: SourceText, offset: number): { line: number; column: number } {
  const { line, col } = lines?.linePos(offset) ?? { line: 0, col: 0 };
  return { line, column: col };
}
