/** Who or what an endpoint allows: everything, nothing, or names that fit one of these patterns (`*` means any text). */
export type Allowed = 'everyone' | 'nobody' | readonly string[];

/** Compiled once: it may be asked for every message. */
export function allowance(allowed: Allowed): (name: string) => boolean {
  if (typeof allowed === 'string') return () => allowed === 'everyone';
  const patterns = allowed.map(patternOf);
  return (name) => patterns.some((pattern) => pattern.test(name));
}

function patternOf(text: string): RegExp {
  return new RegExp(`^${text.split('*').map(escaped).join('.*')}$`, 'su');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
