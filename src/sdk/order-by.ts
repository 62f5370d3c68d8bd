import { callOf, type Node } from './jsonata-tree.ts';

/** Steps that a path may begin with if its beginning alone must give the same list. */
const BEGINNINGS: ReadonlySet<string> = new Set(['name', 'variable', 'function', 'block', 'array']);
/** A name that no expression can have. */
const ITEM = '^item';

/**
 * Replaces the first `^( )` in a path, with the steps before it, by a call of the function `^`: the memory of JSONata's own
 * sort grows with the square of the items. Paths with `@`, `#`, `%` or `[]`, and those that begin with `$`, are not changed.
 */
export function orderByCalls(path: Node): void {
  const { steps = [], keepSingletonArray, tuple } = path;
  const at = steps.findIndex(({ type }) => type === 'sort');
  if (at < 1 || keepSingletonArray === true || tuple !== undefined || !steps.every(isPlain)) return;
  const before = steps.slice(0, at);
  if (!before.every(({ type = '' }, index) => type === 'name' || (index === 0 && BEGINNINGS.has(type)))) return;
  const behind = steps.slice(at + 1);
  const [first] = before;
  if (behind.some(({ type }) => type === 'sort') || (first?.type === 'variable' && first.value === '')) return;
  path.steps = [orderBy(steps[at] as Node, before, behind.length === 0), ...behind];
}

/** Whether the step has no bindings by `@`, `#` or `%`. */
function isPlain({ tuple, index, focus, stages = [] }: Node): boolean {
  return [tuple, index, focus].every((one) => one === undefined) && stages.every(({ type }) => type === 'filter');
}

function orderBy({ terms = [], stages, position }: Node, before: Node[], isLast: boolean): Node {
  const keys = terms.flatMap((term) => [keyOf(term), constant(term.descending)]);
  return {
    ...callOf('^', [{ type: 'path', steps: before }, ...keys]),
    ...(position === undefined ? {} : { position }),
    consarray: true,
    ...(stages === undefined ? {} : { predicate: stages }),
    // One item is a list for the next step.
    ...(isLast ? {} : { keepArray: true }),
  };
}

function constant(value: boolean): Node {
  return { type: 'value', value };
}

/** `function($item) { $item.expression }` */
function keyOf({ expression }: { readonly expression: Node }): Node {
  const item = { type: 'variable', value: ITEM };
  return { type: 'lambda', arguments: [item], body: { type: 'path', steps: [item, expression] } };
}
