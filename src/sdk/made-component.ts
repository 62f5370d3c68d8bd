import type { Kind } from './define.ts';

/** Functions that a component must have. */
const FUNCTIONS: Readonly<Record<Kind, readonly string[]>> = {
  source: ['open', 'pause', 'resume', 'close'],
  sink: ['open', 'write', 'close'],
  processor: ['process'],
  operator: [],
  codec: ['open', 'frame', 'settled', 'record', 'dropped'],
};
/** An operator has one of them. */
const OPERATOR: readonly string[] = ['apply', 'partition', 'pair'];
/** Observables that a component must have. */
const OBSERVABLES: Partial<Readonly<Record<Kind, string>>> = { source: 'batches$', sink: 'idle$' };

/** What `create` of a plugin has made may be anything. Says what it is in place of a component; undefined where it is one. */
export function missingPart(kind: Kind, made: unknown): string | undefined {
  if (made instanceof Promise) {
    // Nothing waits for it.
    made.catch(() => {});
    return 'a promise; make the component at once, and wait in its open()';
  }
  if (typeof made !== 'object' || made === null) return noObject(kind);
  const has = (name: string) => typeof Reflect.get(made, name) === 'function';
  if (kind === 'operator') return OPERATOR.some(has) ? undefined : noObject(kind);
  const missing = FUNCTIONS[kind].filter((name) => !has(name));
  if (missing.length > 0)
    return kind === 'processor' ? noObject(kind) : `an object without the functions ${missing.join(', ')}`;
  const observable = OBSERVABLES[kind];
  if (observable !== undefined && typeof Reflect.get(made, observable)?.subscribe !== 'function')
    return `an object whose ${observable} is no observable`;
  if (kind === 'processor') return mistakenConcurrency(Reflect.get(made, 'concurrency') ?? 1);
  return undefined;
}

function noObject(kind: Kind): string {
  if (kind === 'operator') return 'no object with a function apply, partition or pair';
  return kind === 'processor'
    ? 'no object with a function process(message)'
    : `no object with the functions ${FUNCTIONS[kind].join(', ')}`;
}

function mistakenConcurrency(concurrency: unknown): string | undefined {
  if (Number.isInteger(concurrency) && (concurrency as number) >= 1) return undefined;
  return `a processor whose concurrency is ${String(concurrency)}, and not a whole number from 1 on`;
}
