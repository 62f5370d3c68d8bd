import type { JsonSchema } from '../schema/walk-settings.ts';

const USE = {
  template: { type: 'string', description: 'Template that it is made of; what is beside it takes precedence.' },
  with: { type: 'object', description: 'Values of the parameters of the template, by name.' },
} as const satisfies Readonly<Record<string, JsonSchema>>;

/** An entry of `processors` that a template takes the place of. */
export const TEMPLATE_STEP: JsonSchema = {
  type: 'object',
  properties: USE,
  required: ['template'],
  additionalProperties: false,
};

/** The schema of editors with what templates make of it: pipelines that use one, and what is in a template. */
export function withTemplates(schema: JsonSchema, steps: JsonSchema): JsonSchema {
  const { pipelines, templates } = schema.properties as Readonly<Record<string, JsonSchema>>;
  const pipeline = pipelines?.additionalProperties as JsonSchema;
  const template = templates?.additionalProperties as JsonSchema;
  const { required = [], ...settings } = pipeline;
  const usable = { ...settings, properties: { ...settings.properties, ...USE } };
  const complete: JsonSchema = { anyOf: [requiring(required), requiring(['template'])] };
  const parts = {
    ...template.properties,
    pipeline: { type: 'object', $ref: '#/$defs/pipeline', description: descriptionOf(template, 'pipeline') },
    processors: { ...steps, description: descriptionOf(template, 'processors') },
  };
  return {
    ...schema,
    $defs: { ...schema.$defs, pipeline: usable },
    properties: {
      ...schema.properties,
      templates: { ...templates, additionalProperties: { ...template, properties: parts } },
      pipelines: { ...pipelines, additionalProperties: { ...usable, allOf: [complete] } },
    },
  } as JsonSchema;
}

function requiring(names: readonly string[]): JsonSchema {
  return { properties: Object.fromEntries(names.map((name) => [name, true])), required: [...names] };
}

function descriptionOf({ properties }: JsonSchema, part: string): string | undefined {
  return (properties?.[part] as JsonSchema | undefined)?.description;
}
