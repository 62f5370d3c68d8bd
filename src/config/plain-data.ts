import { type Finding, failing, type Path } from './problem.ts';
import { MAX_DEPTH } from './yaml-document.ts';

/** What an object has that YAML could not bring: the first value that is nested without an end, and keys `__proto__`. */
export function unreadableIn(settings: object): Finding[] {
  const findings: Finding[] = [];
  const open: { readonly value: unknown; readonly path: Path }[] = [{ value: settings, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (path.length > MAX_DEPTH)
      return [failing(path.slice(0, 5), `is nested more than ${MAX_DEPTH} levels deep; no setting is`)];
    if (Object.hasOwn(value, '__proto__'))
      findings.push(failing(path, '"__proto__" cannot be a key; choose another name'));
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value))
      open.push({ value: inner, path: [...path, isList ? Number(key) : key] });
  }
  return findings;
}
