import { z } from 'zod';
import { formatDuration, formatSize } from '../../core/units.ts';
import { ON_ERROR } from '../../pipelines/step.ts';
import type { ComponentSpec } from '../../sdk/define.ts';
import { exampleConfig } from '../../sdk/example.ts';
import type { Registry } from '../../sdk/registry.ts';
import { componentsOf, innerSinks, sourceLists } from '../schema/component-schema.ts';
import { entryName } from '../schema/name-schema.ts';
import { gatewaySchema } from '../schema/schema.ts';
import { processorTimeout, stepsOf } from '../schema/step-schema.ts';
import { formsOf } from '../tests/forms.ts';
import { testsSchema } from '../tests/tests-schema.ts';
import { TEMPLATE_STEP, withTemplates } from './template-json-schema.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A text with a variable in it, which may become anything. */
const FILLED: JsonSchema = { type: 'string', pattern: '\\$\\{[A-Za-z_]' };

/** What says something about a setting, as opposed to which values it takes. */
const ANNOTATIONS = [
  'description',
  'default',
  'title',
  'examples',
  '$schema',
  'deprecated',
  'deprecationMessage',
] as const;

/** It takes longer to make than all else that a check of a file does. */
const made = new WeakMap<Registry, { readonly size: number; readonly schema: JsonSchema }>();

/** JSON Schema (draft 2020-12) of configurations as they are written, for editors; the same object as long as no component is added. */
export function configJsonSchema(registry: Registry): JsonSchema {
  const known = made.get(registry);
  if (known?.size === registry.size) return known.schema;
  const schema = madeFor(registry);
  made.set(registry, { size: registry.size, schema });
  return schema;
}

function madeFor(registry: Registry): JsonSchema {
  const schema = toJsonSchema(gatewaySchema(registry).extend({ tests: testsSchema.optional() }));
  const steps = [...registry.all('processor'), ...registry.all('operator')];
  const base = withTemplates(schema, { ...STEPS, minItems: 1 });
  return {
    ...base,
    title: 'Configuration of a Tidegate gateway',
    // Sections for anchors, which `readYaml` leaves out.
    patternProperties: { '^x-': {} },
    $defs: {
      ...base.$defs,
      step: stepJsonSchema(steps),
      source: componentJsonSchema(registry.all('source')),
      sink: componentJsonSchema(registry.all('sink')),
    },
  };
}

/** JSON Schema of the settings of one component. */
export function toJsonSchema(schema: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      addDefault(zodSchema, jsonSchema);
      const specs = specsOf(zodSchema);
      const forms = formsIn(zodSchema);
      if (isOrWasMade(zodSchema, stepsOf)) replace(jsonSchema, STEP);
      else if (isOrWasMade(zodSchema, innerSinks)) replace(jsonSchema, SINK);
      else if (isOrWasMade(zodSchema, sourceLists)) replace(jsonSchema, SOURCES);
      else if (forms !== undefined) replace(jsonSchema, { anyOf: forms.map(partOf) });
      else if (specs !== undefined) replace(jsonSchema, componentJsonSchema(specs));
      else if (isChecked(jsonSchema)) replace(jsonSchema, { anyOf: [values(jsonSchema), FILLED] });
    },
  }) as JsonSchema;
}

/** zod leaves out the default of a setting that is read into something else: here in the words that are written for it. */
function addDefault(zodSchema: z.core.$ZodType, schema: JsonSchema): void {
  const { def } = zodSchema._zod as z.core.$ZodDefault['_zod'];
  if (def.type !== 'default' || schema.default !== undefined || typeof def.defaultValue !== 'number') return;
  const patterns = [schema, ...(schema.anyOf ?? [])].map((branch) => (branch as JsonSchema).pattern ?? '');
  if (patterns.some((pattern) => pattern.includes('ms|'))) schema.default = formatDuration(def.defaultValue);
  else if (patterns.some((pattern) => pattern.includes('KiB'))) schema.default = formatSize(def.defaultValue);
}

function formsIn(schema: z.core.$ZodType): readonly z.core.$ZodType[] | undefined {
  const { parent } = schema._zod;
  return formsOf.get(schema) ?? (parent === undefined ? undefined : formsIn(parent));
}

/** The JSON Schema of a schema within another one. */
function partOf(schema: z.core.$ZodType): JsonSchema {
  const { $schema, ...part } = toJsonSchema(schema);
  return part;
}

/** `describe` makes a copy of a schema; what it is a copy of knows the components. */
function specsOf(schema: z.core.$ZodType): readonly ComponentSpec[] | undefined {
  const { parent } = schema._zod;
  return componentsOf.get(schema) ?? (parent === undefined ? undefined : specsOf(parent));
}

/** An entry of `processors`, which may have others within it. */
const STEP: JsonSchema = { $ref: '#/$defs/step' };
const STEPS: JsonSchema = { type: 'array', items: STEP };

/** A sink, which may have others within it. */
const SINK: JsonSchema = { $ref: '#/$defs/sink' };
const SOURCE: JsonSchema = { $ref: '#/$defs/source' };
const SOURCES: JsonSchema = { anyOf: [SOURCE, { type: 'array', items: SOURCE, minItems: 1 }] };

/** Whether it is one of these, or a copy of one. */
function isOrWasMade(schema: z.core.$ZodType, known: { has(schema: z.core.$ZodType): boolean }): boolean {
  const { parent } = schema._zod;
  return known.has(schema) || (parent !== undefined && isOrWasMade(parent, known));
}

/** A component, with `on_error` and `label` beside it or not, or a `try`. */
function stepJsonSchema(specs: readonly ComponentSpec[]): JsonSchema {
  const onError: JsonSchema = { enum: [...ON_ERROR] };
  const bare = specs.filter(({ config }) => config.safeParse({}).success).map(({ name }) => name);
  const label = partOf(entryName().describe('Name of the processor in errors, metrics and tests, unique in the file.'));
  const timeoutSchema = partOf(processorTimeout());
  const component: JsonSchema = {
    type: 'object',
    properties: {
      ...Object.fromEntries(specs.map((spec) => [spec.name, settingsJsonSchema(spec)])),
      on_error: onError,
      label,
      timeout: timeoutSchema,
    },
    additionalProperties: false,
    anyOf: choicesOf(BESIDE).map(oneComponentWith),
  };
  const attempt: JsonSchema = {
    type: 'object',
    properties: { try: { ...STEPS, minItems: 1 }, catch: STEPS, on_error: onError },
    additionalProperties: false,
    required: ['try'],
  };
  return { anyOf: [{ enum: bare }, component, attempt, TEMPLATE_STEP] };
}

/** What an entry may have beside its component. */
const BESIDE: readonly string[] = ['on_error', 'label', 'timeout'];

/** Each choice of some of the keys, none and all of them among these. */
function choicesOf([first, ...rest]: readonly string[]): string[][] {
  if (first === undefined) return [[]];
  const without = choicesOf(rest);
  return [...without, ...without.map((keys) => [first, ...keys])];
}

/** An entry with exactly these keys beside one component. */
function oneComponentWith(beside: readonly string[]): JsonSchema {
  const others = BESIDE.filter((key) => !beside.includes(key));
  return {
    type: 'object',
    properties: Object.fromEntries([...beside.map((key) => [key, true]), ...others.map((key) => [key, false])]),
    minProperties: beside.length + 1,
    maxProperties: beside.length + 1,
    required: [...beside],
  };
}

/** `name`, where a component needs no settings, or `{ name: settings }`. */
function componentJsonSchema(specs: readonly ComponentSpec[]): JsonSchema {
  const bare = specs.filter(({ config }) => config.safeParse({}).success);
  const properties = Object.fromEntries(specs.map((spec) => [spec.name, settingsJsonSchema(spec)]));
  const object: JsonSchema = {
    type: 'object',
    properties,
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
  };
  if (bare.length === 0) return object;
  return { anyOf: [{ enum: bare.map(({ name }) => name) }, object] };
}

function settingsJsonSchema({ summary, config, examples }: ComponentSpec): JsonSchema {
  const { $schema, ...settings } = toJsonSchema(config);
  const isOptional = config.safeParse({}).success;
  const schema: JsonSchema = {
    description: summary,
    ...(examples.length > 0 ? { examples: examples.map(exampleConfig) as JsonSchema['examples'] } : {}),
  };
  return isOptional ? { ...schema, anyOf: [settings, { type: 'null' }] } : { ...settings, ...schema };
}

/** Whether a scalar is held to more than being text, so that a text with a variable in it would not fit. */
function isChecked(schema: JsonSchema): boolean {
  if (schema.anyOf !== undefined || schema.$ref !== undefined) return false;
  const isNumeric = schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean';
  return isNumeric || schema.enum !== undefined || schema.pattern !== undefined || schema.format !== undefined;
}

function values(schema: JsonSchema): JsonSchema {
  const copy = { ...schema };
  for (const key of ANNOTATIONS) delete copy[key];
  if (copy.maximum === Number.MAX_SAFE_INTEGER) delete copy.maximum;
  return copy;
}

/** Puts other values in, and keeps their descriptions. */
function replace(schema: JsonSchema, next: JsonSchema): void {
  for (const key of Object.keys(schema)) {
    if (!(ANNOTATIONS as readonly string[]).includes(key)) delete schema[key];
  }
  Object.assign(schema, next);
}
