import { z } from 'zod';

/** Types that a parameter may have; `any` takes lists and settings too. */
const TYPES = ['text', 'number', 'boolean', 'any'] as const;

const parameter = z
  .strictObject({
    description: z.string().optional().describe('What it is for.'),
    type: z.enum(TYPES).prefault('text').describe('What it takes; `any` takes lists and settings as well.'),
    default: z
      .unknown()
      .optional()
      .describe('Its value where a use leaves it out; without one each use has to say it.'),
  })
  .nullable();

const parameterName = z
  .string()
  .regex(/^[A-Za-z_][\w-]*$/, 'a parameter has letters, digits, "_" and "-" in its name, and begins with no digit');

/** One entry of `templates`. What is in its pipeline or processors is checked where it is used. */
const templateSchema = z
  .strictObject({
    parameters: z
      .record(parameterName, parameter)
      .prefault({})
      .describe('What a use says in `with`, by name; its values are "${param.NAME}" in the template.'),
    pipeline: z
      .record(z.string(), z.unknown(), 'expected the settings of a pipeline')
      .optional()
      .describe('Settings of a pipeline, for `pipelines: { NAME: { template: NAME } }`.'),
    processors: z
      .array(z.unknown(), 'expected a list of processors')
      .min(1, 'expected at least one processor')
      .optional()
      .describe('Entries of a list of processors, for `- template: NAME` in one.'),
  })
  .refine(({ pipeline, processors }) => (pipeline === undefined) !== (processors === undefined), {
    error: 'a template has either pipeline or processors',
  });

/** The section `templates`. */
export const templatesSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z][\w.-]*$/, 'a name begins with a letter and has letters, digits, "_", "-" and "." in it'),
    templateSchema,
  )
  .prefault({})
  .describe('Pipelines and processors with parameters, to be used several times.');

export type Template = z.output<typeof templateSchema>;
export type Parameter = NonNullable<Template['parameters'][string]>;
