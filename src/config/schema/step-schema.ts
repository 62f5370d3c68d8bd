import { z } from 'zod';
import { ON_ERROR, type OnError } from '../../pipelines/step.ts';
import type { ComponentSpec, OperatorSpec, ProcessorSpec } from '../../sdk/define.ts';
import * as field from '../../sdk/fields.ts';
import type { Registry } from '../../sdk/registry.ts';
import { PARSE_OPTIONS } from '../problem/issues.ts';
import type { Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import { type Chosen, componentSchema } from './component-schema.ts';
import { entryName } from './name-schema.ts';

/** What may be said beside the component of an entry. */
export interface Beside {
  /** What becomes of messages that fail in it. */
  readonly onError?: OnError | undefined;
  /** Its name in errors, metrics and tests; undefined: its place. */
  readonly label?: string | undefined;
  /** Milliseconds that a processor may take for a message. */
  readonly timeout?: number | undefined;
}

/** A processor or operator of a pipeline, with what is said beside it. */
export type ChosenComponent = Chosen<ProcessorSpec | OperatorSpec> & Beside;

/** `try` with its `catch`. */
export interface ChosenTry {
  readonly attempt: readonly ChosenStep<ProcessorSpec>[];
  readonly rescue: readonly ChosenStep<ProcessorSpec>[];
  readonly onError?: OnError | undefined;
}

export type ChosenStep<S extends ProcessorSpec | OperatorSpec = ProcessorSpec | OperatorSpec> =
  | (Chosen<S> & Beside)
  | ChosenTry;

/** The components behind a schema made by `stepSchema`, for the JSON Schema. */
export const stepsOf = new WeakMap<z.core.$ZodType, readonly ComponentSpec[]>();

/** More levels of `try` than anyone writes. */
const MAX_LEVELS = 10;
const TRY_KEYS: readonly string[] = ['try', 'catch', 'on_error'];

/** `timeout` beside a processor. */
export function processorTimeout() {
  return field
    .duration()
    .refine((milliseconds) => milliseconds > 0, 'expected more than 0ms')
    .describe('How long a processor may take for a message; 30s for one of a plugin, without limit otherwise.');
}

const onErrorSchema = z.enum(ON_ERROR, `expected ${ON_ERROR.join(', ').replace(/, (?=\w+$)/, ' or ')}`).optional();

const labelSchema = entryName().optional();

const timeoutSchema = processorTimeout().optional();

/**
 * One entry of `processors`: a component, `{ NAME: settings, on_error, label, timeout }`, or `{ try, catch, on_error }` around
 * processors.
 */
export function stepSchema(registry: Registry) {
  const processors = registry.all('processor');
  const all = [...processors, ...registry.all('operator')];
  const one = componentSchema('processor', all);
  const schema = z.unknown().transform((value, context): ChosenStep => {
    const parsed = readStep(value, one, 0);
    if ('step' in parsed) return parsed.step;
    for (const issue of parsed.issues) context.issues.push(issue as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  stepsOf.set(schema, all);
  return schema;
}

/** Components of a pipeline's steps with their places, those within `try` and `catch` as well. */
export function componentsIn(steps: readonly ChosenStep[], path: Path): { chosen: ChosenComponent; path: Path }[] {
  return steps.flatMap((step, index) => {
    const at = [...path, index];
    if ('spec' in step) return [{ chosen: step, path: at }];
    return [...componentsIn(step.attempt, [...at, 'try']), ...componentsIn(step.rescue, [...at, 'catch'])];
  });
}

/** The same of a file as it was read, whatever is wrong in it: each entry without what is beside its component. */
export function entriesIn(steps: unknown, path: Path): { value: unknown; path: Path }[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown, index) => {
    const at = [...path, index];
    if (!isRecord(step)) return [{ value: step, path: at }];
    if (isTry(step)) return [...entriesIn(step.try, [...at, 'try']), ...entriesIn(step.catch, [...at, 'catch'])];
    return [{ value: componentOf(step), path: at }];
  });
}

type Issue = { readonly path: readonly PropertyKey[] } & Readonly<Record<string, unknown>>;
/** Of one component. */
type OneSchema = ReturnType<typeof componentSchema<ProcessorSpec | OperatorSpec>>;
type Read = { readonly step: ChosenStep } | { readonly issues: readonly Issue[] };

function readStep(value: unknown, one: OneSchema, level: number): Read {
  if (!isRecord(value)) return component(value, {}, one, level);
  const onError = onErrorSchema.safeParse(value.on_error, PARSE_OPTIONS);
  const isAttempt = isTry(value);
  const label = labelSchema.safeParse(isAttempt ? undefined : value.label, PARSE_OPTIONS);
  const timeout = timeoutSchema.safeParse(isAttempt ? undefined : value.timeout, PARSE_OPTIONS);
  const issues: Issue[] = [
    ...(onError.error?.issues ?? []).map((issue) => within(issue, ['on_error'])),
    ...(label.error?.issues ?? []).map((issue) => within(issue, ['label'])),
    ...(timeout.error?.issues ?? []).map((issue) => within(issue, ['timeout'])),
  ];
  const read = isAttempt
    ? readTry(value, one, level)
    : component(componentOf(value), { onError: onError.data, timeout: timeout.data }, one, level);
  if ('issues' in read) return { issues: [...issues, ...read.issues] };
  if (issues.length > 0) return { issues };
  const named = label.data === undefined ? {} : { label: label.data };
  const limited = timeout.data === undefined ? {} : { timeout: timeout.data };
  return { step: { ...read.step, onError: onError.data, ...named, ...limited } };
}

function component(value: unknown, { onError, timeout }: Beside, one: OneSchema, level: number): Read {
  const parsed = one.safeParse(value, PARSE_OPTIONS);
  if (!parsed.success) return { issues: parsed.error.issues.map((issue) => within(issue, [])) };
  const { spec } = parsed.data;
  if (spec.kind !== 'operator') return { step: parsed.data };
  const mistake = (message: string) => ({ issues: [{ code: 'custom', path: [spec.name], message, input: value }] });
  if (level > 0)
    return mistake(
      `${spec.name} works on the whole flow, not on single messages, and has no place within try or catch`,
    );
  if (onError !== undefined)
    return mistake(`${spec.name} works on the whole flow, so it has no on_error; the pipeline's on_error counts`);
  if (timeout !== undefined)
    return mistake(`${spec.name} works on the whole flow, not on one message at a time, so it has no timeout`);
  return { step: parsed.data };
}

function readTry(value: Readonly<Record<string, unknown>>, one: OneSchema, level: number): Read {
  const mistake = (message: string, path: readonly string[] = []) => ({
    issues: [{ code: 'custom', path, message, input: value }],
  });
  const stranger = Object.keys(value).find((key) => !TRY_KEYS.includes(key));
  if (stranger !== undefined)
    return mistake(
      `"${stranger}" has no place beside try; ${stranger === 'label' || stranger === 'timeout' ? `write ${stranger} beside the processors within it` : 'an entry has try, catch and on_error, and a processor is an entry of its own'}`,
      [stranger],
    );
  if (value.try === undefined) return mistake('catch needs a try in the same entry: { try: [ ... ], catch: [ ... ] }');
  if (level === MAX_LEVELS) return mistake(`there are more than ${MAX_LEVELS} levels of try`);
  const lists = { attempt: value.try, rescue: value.catch ?? [] };
  if (!Array.isArray(lists.attempt) || lists.attempt.length === 0)
    return mistake('expected a list with at least one processor', ['try']);
  if (!Array.isArray(lists.rescue)) return mistake('expected a list of processors', ['catch']);
  const read = (list: readonly unknown[], name: string) =>
    list.map((step, index) => ({ read: readStep(step, one, level + 1), path: [name, index] }));
  const attempt = read(lists.attempt, 'try');
  const rescue = read(lists.rescue, 'catch');
  const issues = [...attempt, ...rescue].flatMap(({ read: inner, path }) =>
    'issues' in inner ? inner.issues.map((issue) => within(issue, path)) : [],
  );
  if (issues.length > 0) return { issues };
  const steps = (list: typeof attempt) =>
    list.flatMap(({ read: inner }) => ('step' in inner ? [inner.step as ChosenStep<ProcessorSpec>] : []));
  return { step: { attempt: steps(attempt), rescue: steps(rescue) } };
}

function within(issue: object, path: readonly PropertyKey[]): Issue {
  return { ...issue, path: [...path, ...('path' in issue ? (issue.path as readonly PropertyKey[]) : [])] };
}

function isTry(value: Readonly<Record<string, unknown>>): boolean {
  return 'try' in value || 'catch' in value;
}

/** The component of an entry, without what is said beside it. */
function componentOf(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { on_error: _, label: __, timeout: ___, ...component } = value;
  return component;
}
