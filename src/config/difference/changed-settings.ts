import { HIDDEN } from '../../core/secrets.ts';
import { isSame } from './same-settings.ts';

/** A setting that differs. What is not there is undefined; secrets are hidden, and long values cut. */
export interface SettingChange {
  /** Within its part, as `batch.count`; empty for the part itself. */
  readonly setting: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Whether the value at a path, from the top of the file, is a secret. */
export type IsSecret = (path: readonly string[]) => boolean;

/** Characters of a value that are shown. */
const MAX_SHOWN = 60;

/** What differs between two values of the settings as they were given; `part`: the path of both. */
export function changedSettings(
  part: readonly string[],
  from: unknown,
  to: unknown,
  isSecret: IsSecret,
): SettingChange[] {
  const changes: SettingChange[] = [];
  const visit = (one: unknown, other: unknown, path: readonly string[]): void => {
    if (isSame(one, other, true)) return;
    if (areLikeBranches(one, other)) {
      for (const key of new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]))
        visit(at(one, key), at(other, key), [...path, key]);
      return;
    }
    const show = (value: unknown) => (value === undefined ? undefined : shown(value, path, isSecret));
    changes.push({ setting: nameOf(path.slice(part.length)), from: show(one), to: show(other) });
  };
  visit(from, to, part);
  return changes;
}

/** `batch.count 500 -> 100`. */
export function describeChange({ setting, from = '(none)', to = '(none)' }: SettingChange): string {
  return `${setting === '' ? '' : `${setting} `}${from} -> ${to}`;
}

/** Two lists, or two groups of settings, one of which may not be there. */
function areLikeBranches(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) || Array.isArray(other)) return Array.isArray(one) && Array.isArray(other);
  return (isBranch(one) && (isBranch(other) || other === undefined)) || (one === undefined && isBranch(other));
}

function at(value: unknown, key: string): unknown {
  return isBranch(value) ? value[key] : undefined;
}

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown, path: readonly string[], isSecret: IsSecret): string {
  const visible = withoutSecrets(value, path, isSecret);
  const text = typeof visible === 'string' ? visible : JSON.stringify(visible);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

function withoutSecrets(value: unknown, path: readonly string[], isSecret: IsSecret): unknown {
  // Text of several lines is a key or a certificate, or too long for a line of the log.
  if (isSecret(path) || (typeof value === 'string' && value.includes('\n'))) return HIDDEN;
  if (Array.isArray(value)) return value.map((inner, at) => withoutSecrets(inner, [...path, String(at)], isSecret));
  if (!isBranch(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, [...path, key], isSecret)]),
  );
}

function nameOf(path: readonly string[]): string {
  let name = '';
  for (const step of path) name += /^\d+$/.test(step) ? `[${step}]` : name === '' ? step : `.${step}`;
  return name;
}
