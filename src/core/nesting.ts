/** Levels of lists and objects; nothing that is written by hand has as many. */
export const MAX_LEVELS = 100;

/** Whether a value nests lists and objects more than MAX_LEVELS deep: code that walks it by calling itself would overflow the stack. */
export function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_LEVELS) return true;
    level = level.flatMap((inner) => (typeof inner === 'object' && inner !== null ? Object.values(inner) : []));
  }
  return false;
}
