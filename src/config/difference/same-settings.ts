/**
 * Whether two parsed settings are the same. What a schema made of a text, such as a compiled expression, cannot be compared:
 * `isOpaqueSame` says whether these are taken as equal, which they are where the texts of both are known to be.
 */
export function isSame(one: unknown, other: unknown, isOpaqueSame: boolean): boolean {
  const open: { readonly one: unknown; readonly other: unknown }[] = [{ one, other }];
  // Parsed schemas may refer to themselves.
  const seen = new Set<unknown>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { one: a, other: b } = next;
    if (Object.is(a, b)) continue;
    if (typeof a === 'function' && typeof b === 'function' && isOpaqueSame) continue;
    if (!isObject(a) || !isObject(b)) return false;
    if (seen.has(a)) continue;
    seen.add(a);
    const kind = kindOf(a);
    if (kind !== kindOf(b)) return false;
    if (kind === 'opaque') {
      if (!isOpaqueSame) return false;
      continue;
    }
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false;
      open.push({ one: a[key], other: b[key] });
    }
  }
  return true;
}

type Plain = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null;
}

function kindOf(value: Plain): 'list' | 'plain' | 'opaque' {
  if (Array.isArray(value)) return 'list';
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? 'plain' : 'opaque';
}
