import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { type Environment, interpolate } from './interpolate.ts';
import { Positions } from './positions.ts';
import { type Finding, failing, type Path } from './problem.ts';
import { blankUnquoted, type Unquoted } from './unquoted.ts';

/** A configuration before any schema has looked at it. */
export interface Source {
  /** Plain data with variables filled in. */
  readonly value: unknown;
  readonly positions: Positions;
  readonly findings: readonly Finding[];
  /** Settings that were not understood already and need no second complaint. */
  readonly spoiled: readonly Path[];
  /** Variables by the setting they fill. */
  readonly variables: readonly { readonly path: Path; readonly name: string }[];
}

/** Reads YAML 1.2 and fills variables in; never throws, every mistake is a finding. */
export function readYaml(text: string, file: string, env: Environment): Source {
  const { text: blanked, unquoted } = blankUnquoted(text.replace(/^\uFEFF/, ''));
  const lines = new LineCounter();
  const document = parseDocument(blanked, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const reader = new Reader(new Positions(file, lines), env, unquoted);
  // What the parser says after its first error is mostly a consequence of that.
  const broken = [...document.errors.slice(0, 1), ...document.warnings].map((error) =>
    failing([], explain(error), { offset: error.pos[0] }),
  );
  const value = reader.read(document);
  const findings = [...broken, ...reader.findings].sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
  return {
    value: document.errors.length > 0 ? undefined : value,
    positions: reader.positions,
    findings,
    spoiled: reader.spoiled,
    variables: reader.variables,
  };
}

class Reader {
  readonly positions: Positions;
  readonly findings: Finding[] = [];
  readonly spoiled: Path[] = [];
  readonly variables: { path: Path; name: string }[] = [];
  private readonly env: Environment;
  private readonly unquoted: readonly Unquoted[];

  constructor(positions: Positions, env: Environment, unquoted: readonly Unquoted[]) {
    this.positions = positions;
    this.env = env;
    this.unquoted = unquoted;
  }

  read(document: Document): unknown {
    this.positions.enter([], undefined, 0);
    const value = this.value(document.contents, []);
    for (const { start, message } of this.unquoted) {
      if (!this.findings.some(({ offset }) => offset === start))
        this.findings.push(failing([], message, { offset: start }));
    }
    return value;
  }

  private value(node: unknown, path: Path): unknown {
    if (isMap(node)) return this.map(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => this.item(item, index, path));
    if (isAlias(node)) {
      this.spoil(
        path,
        `aliases such as *${node.source} are not understood; write the value out, or fill both from a variable`,
        offsetOf(node),
      );
      return undefined;
    }
    if (!isScalar(node)) return null;
    return typeof node.value === 'string' ? this.text(node.value, path, node.range ?? undefined) : node.value;
  }

  private item(item: unknown, index: number, path: Path): unknown {
    const own = [...path, index];
    this.positions.enter(own, undefined, offsetOf(item));
    return this.value(item, own);
  }

  private map(items: readonly Pair[], path: Path): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    for (const { key, value } of items) {
      const name = this.key(key, path);
      if (name === undefined) continue;
      const own = [...path, name];
      if (name in made) this.spoil(own, `${name} stands here twice; keep one of them`, offsetOf(key));
      this.positions.enter(own, offsetOf(key), isNode(value) ? offsetOf(value) : offsetOf(key));
      made[name] = this.value(value, own);
    }
    return made;
  }

  private key(key: unknown, path: Path): string | undefined {
    const isWord = isScalar(key) && key.value !== null && key.value !== '__proto__';
    if (!isWord) {
      this.findings.push(failing(path, 'a key must be a plain word', { offset: offsetOf(key) }));
      return undefined;
    }
    return this.text(String(key.value), path, key.range ?? undefined);
  }

  private text(text: string, path: Path, range: readonly [number, number, number] | undefined): string {
    const offset = range?.[0] ?? 0;
    const torn = this.unquoted.find(({ start }) => start >= offset && start < (range?.[1] ?? 0));
    if (torn !== undefined) {
      this.spoil(path, torn.message, torn.start);
      return text;
    }
    const filled = interpolate(text, this.env);
    for (const name of filled.variables) this.variables.push({ path, name });
    for (const mistake of filled.mistakes) this.spoil(path, mistake, offset);
    return filled.text;
  }

  private spoil(path: Path, message: string, offset: number): void {
    this.spoiled.push(path);
    this.findings.push(failing(path, message, { offset }));
  }
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function explain(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'a tab is used as indentation; YAML wants spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here (---); a configuration is one document';
    case 'TAG_RESOLVE_FAILED':
      return `${error.message}; tags such as !name are not understood, write the plain value`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second ": " in one line, or a line that is indented too far; put text that has ": " in it in quotes';
    default:
      return `not YAML: ${error.message}`;
  }
}
