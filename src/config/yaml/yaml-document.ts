import { type Alias, Composer, type CST, type Document, type LineCounter, type Node, Parser, visit } from 'yaml';
import { MAX_LEVELS } from '../../core/nesting.ts';

/** Levels of lists and settings inside each other that are read. */
export const MAX_DEPTH = MAX_LEVELS;

export interface YamlDocument {
  /** The first document of the text; there is always one, be it empty. */
  readonly document: Document.Parsed;
  /** Offset of the second one, where there is one. */
  readonly second: number | undefined;
}

/**
 * Composes YAML, or returns the offset of what is nested more than MAX_DEPTH levels deep. Never throws. The library's
 * composer calls itself for each level, so that the depth is measured first, on what its parser gives, which does not.
 */
export function composeYaml(text: string, lines: LineCounter): YamlDocument | number {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const tooDeep = tooDeepIn(tokens);
  if (tooDeep !== undefined) return tooDeep;
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false });
  const documents = [...composer.compose(tokens, true, text.length)];
  const [document, second] = documents as [Document.Parsed, Document.Parsed?]; // `true` above: one at least
  return { document, second: second?.range[0] };
}

export interface Anchors {
  readonly names: ReadonlySet<string>;
  /** The value of each alias: the last anchor of that name before it. Aliases without one are left out. */
  readonly targets: ReadonlyMap<Alias, Node>;
}

export function anchorsOf(document: Document): Anchors {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Alias(_key, alias) {
      const target = anchors.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return { names: new Set(anchors.keys()), targets };
}

function tooDeepIn(tokens: readonly CST.Token[]): number | undefined {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) return token.offset;
    for (const inner of tokensIn(token)) open.push({ token: inner, depth: depth + 1 });
  }
  return undefined;
}

function tokensIn(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  const inner: CST.Token[] = [];
  for (const { key, value } of token.items) {
    if (key) inner.push(key);
    if (value) inner.push(value);
  }
  return inner;
}
