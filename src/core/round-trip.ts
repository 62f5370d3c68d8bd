/**
 * Whether JSON.parse of its JSON gives an equal value, so that it need not be parsed: no -0, nothing that JSON.stringify
 * leaves out or changes, and only objects as JSON.parse makes them. The value must not be nested thousands of levels deep.
 */
export function readsBack(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || (Array.isArray(value) ? value.every(readsBack) : isPlain(value));
    default:
      return false;
  }
}

function isPlain(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name of Object.keys(value)) if (!readsBack((value as Record<string, unknown>)[name])) return false;
  return true;
}
