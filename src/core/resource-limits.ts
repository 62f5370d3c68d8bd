import { readFileSync } from 'node:fs';

/**
 * What the system allows this process (`ulimit`), by the name that Linux has for it, such as `Max open files`. Infinite where
 * there is no limit, or the system does not say.
 */
export function resourceLimit(name: string, limits = readLimits()): number {
  const soft = limits
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim()
    .split(/\s+/, 1)[0];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
