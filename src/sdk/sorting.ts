import { coded, type Focus } from './jsonata-runtime.ts';

type Comparator = (left: unknown, right: unknown) => unknown;

/** A stable merge sort. `isBehind`: whether `left` belongs after `right`. */
export async function sort(this: Focus, values: unknown[] | undefined, isBehind?: Comparator): Promise<unknown> {
  if (values === undefined || values.length <= 1) return values;
  if (isBehind === undefined) return sorted(values);
  const { budget } = this.environment.base;
  let from = [...values];
  for (let width = 1; width < from.length; width *= 2) {
    const to: unknown[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      let left = start;
      let right = Math.min(start + width, from.length);
      const middle = right;
      const end = Math.min(start + 2 * width, from.length);
      while (left < middle && right < end) {
        budget.step();
        const answer = isBehind.call(this, from[left], from[right]);
        to.push((answer instanceof Promise ? await answer : answer) ? from[right++] : from[left++]);
      }
      while (left < middle) to.push(from[left++]);
      while (right < end) to.push(from[right++]);
    }
    from = to;
  }
  return from;
}

function sorted(values: readonly unknown[]): unknown[] {
  const [first] = values;
  const isOneKind = typeof first === 'number' || typeof first === 'string';
  if (!isOneKind || values.some((value) => typeof value !== typeof first)) throw coded('D3070', { index: 1 });
  return [...(values as string[])].sort((left, right) => (left > right ? 1 : left < right ? -1 : 0));
}

/** A term of `^( )`: `key` gives the value that an item is sorted by. */
type Key = (item: unknown) => Promise<unknown>;

interface Keyed {
  readonly item: unknown;
  /** The keys of the first terms, as many as were needed so far. */
  readonly keys: unknown[];
}

/**
 * `list^(a, >b)` as a function of the list, a key for each term, and whether its order is descending. As in JSONata,
 * but each key is evaluated once per item. https://docs.jsonata.org/path-operators#---order-by
 */
export async function orderBy(this: Focus, values: unknown, ...terms: unknown[]): Promise<unknown> {
  if (values === undefined) return undefined;
  // One item is that item and none is no value, as in a path.
  if (!Array.isArray(values) || values.length <= 1)
    return this.createSequence(...(Array.isArray(values) ? values : [values]));
  const keyed: Keyed[] = values.map((item: unknown) => ({ item, keys: [] }));
  const isBehind = (a: Keyed, b: Keyed): boolean | Promise<boolean> => {
    for (let term = 0; 2 * term < terms.length; term += 1) {
      const lacks = [a, b].find(({ keys }) => keys.length <= term);
      if (lacks !== undefined)
        return (terms[2 * term] as Key)(lacks.item).then((key) => {
          lacks.keys.push(key);
          return isBehind(a, b);
        });
      const order = compareKeys(a.keys[term], b.keys[term], terms[2 * term + 1] === true);
      if (order !== 0) return order > 0;
    }
    return false;
  };
  return ((await sort.call(this, keyed, isBehind as Comparator)) as Keyed[]).map(({ item }) => item);
}

/** An item without a key comes last, even if the order is descending. */
function compareKeys(a: unknown, b: unknown, isDescending: boolean): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  for (const key of [a, b])
    if (typeof key !== 'string' && typeof key !== 'number') throw coded('T2008', { value: key });
  if (typeof a !== typeof b) throw coded('T2007', { value: a, value2: b });
  if (a === b) return 0;
  return (a as string) < (b as string) === isDescending ? 1 : -1;
}
