/** What a query reads: `name{matchers}[range]`. */
export interface Selector {
  readonly name: string;
  /** Labels that its matchers name. */
  readonly matched: readonly string[];
  /** The function that takes it, such as `rate`; undefined if there is none. */
  readonly within: string | undefined;
  /** Where it begins, as a number of tokens. */
  readonly at: number;
}

/** `by (a, b) (…)`, with what the parentheses hold. */
export interface Grouping {
  readonly labels: readonly string[];
  readonly over: readonly Selector[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  readonly groupings: readonly Grouping[];
}

const TOKEN = /\s+|("(?:[^"\\]|\\.)*"|\$\w+|[a-zA-Z_:][\w:]*|[\d.]+\w*|[=!<>]=|[=!]~|[-+*/%^=<>(){}[\],])/y;
const GROUPINGS: ReadonlySet<string> = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const WORDS: ReadonlySet<string> = new Set([...GROUPINGS, 'and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

/**
 * The metrics and labels of a query in PromQL. It is no parser: promtool is one, and is used where there is one. An
 * expression with anything that it does not know is refused, so that nothing is overlooked.
 */
export function readPromql(expr: string): Query {
  const tokens = tokensOf(expr);
  const selectors: Selector[] = [];
  const groups: { labels: readonly string[]; from: number; to: number }[] = [];
  const open: (string | undefined)[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    const next = tokens[at + 1];
    if (token === '(') open.push(isName(tokens[at - 1]) ? tokens[at - 1] : undefined);
    else if (token === ')') open.pop();
    else if (token === '{') throw new Error(`${expr}: a selector has no metric`);
    else if (GROUPINGS.has(token)) {
      const end = tokens.indexOf(')', at);
      const labels = tokens.slice(at + 2, end).filter((one) => one !== ',');
      if (token === 'by') groups.push({ labels, from: end + 1, to: closing(tokens, end + 1) });
      at = end;
    } else if (isName(token) && next !== '(' && next !== 'by' && next !== 'without') {
      const end = next === '{' ? tokens.indexOf('}', at) : at;
      const matchers = tokens.slice(at + 1, end);
      const matched = matchers.filter((one, index) => isName(one) && /^[=!]/.test(matchers[index + 1] ?? ''));
      selectors.push({ name: token, matched, within: open.at(-1), at });
      at = tokens[end + 1] === '[' ? tokens.indexOf(']', end) : end;
    }
  }
  if (open.length > 0) throw new Error(`${expr}: a parenthesis is not closed`);
  const groupings = groups.map(({ labels, from, to }) => ({
    labels,
    over: selectors.filter(({ at }) => at > from && at < to),
  }));
  return { selectors, groupings };
}

function tokensOf(expr: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expr.length) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(expr);
    if (found === null) throw new Error(`${expr}: what is at ${expr.slice(from)}?`);
    if (found[1] !== undefined) tokens.push(found[1]);
  }
  return tokens;
}

function isName(token: string | undefined): boolean {
  return token !== undefined && /^[a-zA-Z_:]/.test(token) && !WORDS.has(token.toLowerCase());
}

/** Where the parenthesis that opens at `from` is closed. */
function closing(tokens: readonly string[], from: number): number {
  if (tokens[from] !== '(') throw new Error(`${tokens.join(' ')}: nothing follows a grouping`);
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    if (tokens[at] === '(') depth += 1;
    else if (tokens[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`${tokens.join(' ')}: a parenthesis is not closed`);
}
