import { z } from 'zod';
import type { ComponentSpec, InnerSink, SourceSpec } from '../../sdk/define.ts';
import type { Registry } from '../../sdk/registry.ts';
import { PARSE_OPTIONS } from '../problem/issues.ts';
import { didYouMean } from '../problem/suggest.ts';

/** A component that a configuration names, with its own settings parsed. */
export interface Chosen<S extends ComponentSpec = ComponentSpec> {
  readonly spec: S;
  /** Output of the component's own schema. */
  readonly config: z.output<S['config']>;
}

/** The components behind a schema made by `componentSchema`, for the JSON Schema. */
export const componentsOf = new WeakMap<z.core.$ZodType, readonly ComponentSpec[]>();

/** The schemas of a sink within another one, for the JSON Schema. */
export const innerSinks = new WeakSet<z.core.$ZodType>();
/** The schemas of the sources of a pipeline, for the JSON Schema. */
export const sourceLists = new WeakSet<z.core.$ZodType>();

/** Most sources of one pipeline. */
const MAX_SOURCES = 100;

/** A sink within another one: any that the registry has by the time of parsing. */
export function innerSinkSchema(registry: Registry): z.ZodType<InnerSink> {
  let known: { readonly count: number; readonly schema: z.ZodType<InnerSink> } | undefined;
  const schema = z.unknown().transform((value, context): InnerSink => {
    const specs = registry.all('sink');
    if (known?.count !== specs.length) known = { count: specs.length, schema: componentSchema('sink', specs) };
    const parsed = known.schema.safeParse(value, PARSE_OPTIONS);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  innerSinks.add(schema);
  return schema;
}

/** The source of a pipeline, or a list of sources that are merged. */
export function sourceSchema(registry: Registry) {
  const one = componentSchema('source', registry.all('source'));
  const list = z
    .array(one)
    .min(1, 'expected at least one source')
    .max(MAX_SOURCES, `expected at most ${MAX_SOURCES} sources`);
  const schema = z.unknown().transform((value, context): Chosen<SourceSpec> | readonly Chosen<SourceSpec>[] => {
    const parsed = (Array.isArray(value) ? list : one).safeParse(value, PARSE_OPTIONS);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  sourceLists.add(schema);
  return schema;
}

/** A setting that names one component: `name`, or `{ name: settings }`. `noun` is what messages call it. */
export function componentSchema<S extends ComponentSpec>(noun: string, specs: readonly S[]) {
  const schema = z.unknown().transform((value, context): Chosen<S> => {
    const entry = entryOf(value);
    const spec = specs.find(({ name }) => name === entry?.name);
    if (entry === undefined || spec === undefined) {
      context.issues.push({ code: 'custom', message: mistake(noun, specs, value, entry?.name), input: value });
      return z.NEVER;
    }
    const parsed = spec.config.safeParse(entry.settings, PARSE_OPTIONS);
    if (parsed.success) return { spec, config: parsed.data as z.output<S['config']> };
    for (const issue of parsed.error.issues) {
      const path = typeof value === 'string' ? issue.path : [spec.name, ...issue.path];
      context.issues.push({ ...issue, path } as z.core.$ZodRawIssue);
    }
    return z.NEVER;
  });
  componentsOf.set(schema, specs);
  return schema;
}

/** Name and settings of a component as the YAML has them; undefined where it names none or several. */
export function entryOf(value: unknown): { readonly name: string; readonly settings: unknown } | undefined {
  if (typeof value === 'string') return { name: value, settings: {} };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) return undefined;
  return { name: entry[0], settings: entry[1] ?? {} };
}

function mistake(noun: string, specs: readonly ComponentSpec[], value: unknown, name: string | undefined): string {
  const names = specs.map((spec) => spec.name);
  const all = names.length === 0 ? 'none is known' : `there are ${names.join(', ')}`;
  if (name !== undefined) return `there is no ${noun} "${name}"; ${all}${didYouMean(name, names)}`;
  if (value === undefined) return `is missing: name a ${noun}; ${all}`;
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (keys.length > 1) return `expected one ${noun}, but this names ${keys.length}: ${keys.join(', ')}`;
  return `expected the name of a ${noun}, or { name: settings }; ${all}`;
}
