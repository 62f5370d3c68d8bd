import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';
import { ExactNumber, numberOf } from '../../core/exact-number.ts';
import { type Finding, failing, type Path } from '../problem/problem.ts';
import { asked, Suggestions } from '../problem/suggest.ts';
import { type Environment, interpolate } from './interpolate.ts';
import type { OutsideValues } from './outside-values.ts';
import type { Place, Positions } from './positions.ts';
import { isOfTemplate } from './template-body.ts';
import type { Unquoted } from './unquoted.ts';
import { type Anchors, anchorsOf, MAX_DEPTH } from './yaml-document.ts';

/** Values that aliases may bring in all; more is a mistake, or meant to use up memory. */
const MAX_ALIASED = 250_000;

/** A variable of a setting, or a file or command in place of one (`file:/path`), with its default as it is written. */
export interface FilledVariable {
  readonly path: Path;
  readonly name: string;
  readonly fallback?: string | undefined;
}

/** By which aliases a value comes to its path: the outermost of them. */
type Via = Place['alias'];

/** A number as JSON has it. YAML has others: 0x10 and 0o20. */
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Makes plain data of a document, with variables filled in, aliases and `<<` followed, and places noted. Never throws. */
export class YamlReader {
  readonly findings: Finding[] = [];
  readonly spoiled: Path[] = [];
  readonly variables: FilledVariable[] = [];
  private readonly positions: Positions;
  private readonly env: Environment;
  private readonly outside: OutsideValues | undefined;
  private readonly unquoted: readonly Unquoted[];
  private readonly document: Document;
  private readonly anchors: Anchors;
  private readonly suggestions = new Suggestions();
  /** Anchored values that are being read, for aliases inside of their own value. */
  private readonly open = new Set<unknown>();
  private aliased = 0;
  /** Interpolations that a setting has been blamed for. */
  private readonly torn = new Set<number>();

  /** `outside`: files and commands that texts may name. */
  constructor(
    document: Document,
    positions: Positions,
    env: Environment,
    unquoted: readonly Unquoted[],
    outside: OutsideValues | undefined,
  ) {
    this.outside = outside;
    this.document = document;
    this.anchors = anchorsOf(document);
    this.positions = positions;
    this.env = env;
    this.unquoted = unquoted;
  }

  /** Whether aliases make more of the file than is read. */
  get isTooLarge(): boolean {
    return this.aliased > MAX_ALIASED;
  }

  read(): unknown {
    const value = this.value(this.document.contents, [], undefined);
    for (const { start, message } of this.unquoted)
      if (!this.torn.has(start)) this.findings.push(failing([], message, { offset: start }));
    return value;
  }

  private value(node: unknown, path: Path, via: Via): unknown {
    if (via !== undefined && !this.mayGrow(node, path)) return undefined;
    if (isAlias(node)) {
      const target = this.target(node, path);
      return target === undefined ? undefined : this.value(target, path, via ?? viaOf(node));
    }
    if (isScalar(node)) return this.scalar(node, path);
    if (!isMap(node) && !isSeq(node)) return null;
    this.open.add(node);
    const value = isMap(node)
      ? this.map(node.items, path, via)
      : node.items.map((item, index) => this.item(item, index, path, via));
    this.open.delete(node);
    return value;
  }

  private scalar(node: Scalar, path: Path): unknown {
    const { value, source = '' } = node;
    if (typeof value === 'string') return this.text(value, path, node.range ?? undefined);
    if (typeof value === 'number' && losesDigits(source, value))
      this.spoil(path, `the number ${source} has more digits than can be kept; put it in quotes`, offsetOf(node));
    return value;
  }

  private item(item: unknown, index: number, path: Path, via: Via): unknown {
    const own = [...path, index];
    this.positions.enter(own, { key: undefined, value: offsetOf(item), alias: via });
    return this.value(item, own, via);
  }

  private map(items: readonly Pair[], path: Path, via: Via): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    for (const pair of items) if (!isMergeKey(pair.key)) this.pair(made, pair, path, via);
    for (const { key, value } of items) if (isMergeKey(key)) this.merge(made, value, path, via);
    return made;
  }

  private pair(made: Record<string, unknown>, pair: Pair, path: Path, via: Via): void {
    const name = this.key(pair.key, path);
    if (name === undefined) return;
    if (Object.hasOwn(made, name))
      this.spoil([...path, name], `${name} is here twice; keep one of them`, offsetOf(pair.key));
    this.assign(made, name, pair, path, via);
  }

  private assign(made: Record<string, unknown>, name: string, { key, value }: Pair, path: Path, via: Via): void {
    const own = [...path, name];
    const offset = offsetOf(key);
    this.positions.enter(own, { key: offset, value: isNode(value) ? offsetOf(value) : offset, alias: via });
    made[name] = this.value(value, own, via);
  }

  /** `<<`: settings of the value that `made` does not have yet, so that of several values the first that has one wins. */
  private merge(made: Record<string, unknown>, node: unknown, path: Path, via: Via): void {
    if (!this.mayGrow(node, path)) return;
    const target = isAlias(node) ? this.target(node, path) : node;
    if (target === undefined) return;
    const inner = via ?? (isAlias(node) ? viaOf(node) : undefined);
    this.open.add(target);
    if (isSeq(target)) for (const item of target.items) this.merge(made, item, path, inner);
    else if (isMap(target)) this.mergeMap(made, target.items, path, inner);
    else this.spoil(path, '<< takes settings, or a list of them, such as <<: *defaults', offsetOf(node));
    this.open.delete(target);
  }

  private mergeMap(made: Record<string, unknown>, items: readonly Pair[], path: Path, via: Via): void {
    for (const pair of items) {
      const name = isMergeKey(pair.key) ? undefined : this.key(pair.key, path);
      if (name !== undefined && !Object.hasOwn(made, name)) this.assign(made, name, pair, path, via);
    }
    for (const { key, value } of items) if (isMergeKey(key)) this.merge(made, value, path, via);
  }

  /** The value of an alias; a finding where that is nothing, or where it would have no end. */
  private target(alias: Alias, path: Path): Node | undefined {
    const target = this.anchors.targets.get(alias);
    const name = alias.source;
    if (target === undefined) {
      const meant = asked(this.suggestions.suggest(name, this.anchors.names));
      this.spoil(path, `no anchor &${name} comes before this alias${meant}`, offsetOf(alias));
    } else if (this.open.has(target)) {
      this.spoil(path, `the alias *${name} is inside the value that it repeats`, offsetOf(alias));
    } else return target;
    return undefined;
  }

  /** Counts what aliases bring, and says so once where it is too much. */
  private mayGrow(node: unknown, path: Path): boolean {
    this.aliased += 1;
    if (path.length > MAX_DEPTH) {
      this.spoil(path, `aliases nest more than ${MAX_DEPTH} levels deep here`, offsetOf(node));
      return false;
    }
    if (this.aliased === MAX_ALIASED + 1)
      this.spoil(
        [],
        `aliases make more than ${MAX_ALIASED} values of this file; write it without them`,
        offsetOf(node),
      );
    return this.aliased <= MAX_ALIASED;
  }

  private key(given: unknown, path: Path): string | undefined {
    const key = isAlias(given) ? this.target(given, path) : given;
    const isWord = isScalar(key) && key.value !== null;
    const name = isWord ? this.text(String(key.value), path, key.range ?? undefined) : undefined;
    // An assignment to it would set the prototype of what is made.
    if (name !== undefined && name !== '__proto__') return name;
    const mistake = isWord
      ? '"__proto__" cannot be a key; choose another name'
      : isScalar(key)
        ? 'YAML reads this key as empty, as it does null and ~; put it in quotes'
        : 'a key must be a plain word, and this is a list or a group of settings';
    this.findings.push(failing(path, mistake, { offset: offsetOf(given) }));
    return undefined;
  }

  private text(text: string, path: Path, range: readonly [number, number, number] | undefined): string {
    const offset = range?.[0] ?? 0;
    const torn = firstFrom(this.unquoted, offset);
    if (torn !== undefined && torn.start < (range?.[1] ?? 0)) {
      this.torn.add(torn.start);
      this.spoil(path, torn.message, torn.start);
      return text;
    }
    // Filled in where the template is used.
    if (isOfTemplate(path)) return text;
    const filled = interpolate(text, this.env, this.outside);
    for (const name of filled.variables) this.variables.push({ path, name, fallback: filled.defaults.get(name) });
    for (const mistake of filled.mistakes) this.spoil(path, mistake, offset);
    return filled.text;
  }

  private spoil(path: Path, message: string, offset: number): void {
    this.spoiled.push(path);
    this.findings.push(failing(path, message, { offset }));
  }
}

/** YAML 1.1's merge key, which many files have: the word alone, not in quotes. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<';
}

function viaOf(alias: Alias): Via {
  return { name: alias.source, offset: offsetOf(alias) };
}

/** The first of them that begins at `offset` or behind it; they are in the order of the text. */
function firstFrom(unquoted: readonly Unquoted[], offset: number): Unquoted | undefined {
  let low = 0;
  let high = unquoted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((unquoted[middle] as Unquoted).start < offset) low = middle + 1;
    else high = middle;
  }
  return unquoted[low];
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function losesDigits(source: string, value: number): boolean {
  if (DECIMAL.test(source)) return String(value) !== source && numberOf(source) instanceof ExactNumber;
  return /^0[xo]/.test(source) && !Number.isSafeInteger(value);
}
