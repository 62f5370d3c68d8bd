const PREFIX = 'tidegate:';

/**
 * Reads DEBUG as other Node programs do: names with commas or blanks between, `*` for anything, a leading `-` takes
 * out again. Names of other programs are skipped.
 */
export function debugScopes(debug: string): (scope: string) => boolean {
  const included: RegExp[] = [];
  const excluded: RegExp[] = [];
  for (const name of debug.split(/[\s,]+/)) {
    const isExcluded = name.startsWith('-');
    const pattern = isExcluded ? name.slice(1) : name;
    if (pattern !== '') (isExcluded ? excluded : included).push(toRegExp(pattern));
  }
  const matches = (patterns: RegExp[], scope: string) => patterns.some((pattern) => pattern.test(PREFIX + scope));
  return (scope) => matches(included, scope) && !matches(excluded, scope);
}

function toRegExp(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
}
