import {
  Draft,
  defineProcessor,
  type FieldPath,
  field,
  isJsonObject,
  type Message,
  quoteValue,
  setField,
  TidegateError,
  z,
} from '../../sdk/index.ts';
import { jsonObjectOf } from './json-object.ts';

/** What is nested deeper cannot be written as JSON, for want of stack. */
const MAX_LEVELS = 1_000;
const TOO_DEEP = `a name makes more than ${MAX_LEVELS} levels of objects`;

export const nest = defineProcessor({
  name: 'nest',
  summary: 'Puts a payload, or some of its fields, under a name; or makes objects of names with delimiters in them.',
  description:
    '`under` is the way back from `extract`, `delimiter` that from `flatten`. Numbers keep all their digits. A record without a value passes.',
  config: z
    .strictObject({
      under: field.path().optional().describe('Path under which they are put.'),
      fields: field
        .paths()
        .optional()
        .describe(
          'Fields to put there, by the last name of their paths; left out, the whole payload, whatever JSON it is.',
        ),
      delimiter: z
        .string()
        .min(1, 'expected at least one character')
        .optional()
        .describe('What splits the names of fields into names within each other.'),
    })
    .refine(
      ({ under, delimiter }) => (under === undefined) !== (delimiter === undefined),
      'give either under, to put the payload or fields under a name, or delimiter, to split names',
    )
    .refine(
      ({ fields, under }) => fields === undefined || under !== undefined,
      'fields need under, the path under which they are put',
    ),
  failures: [
    'The payload is not JSON, or, with `fields` or `delimiter`, not a JSON object.',
    'A field would be both a value and an object, or two of `fields` have the same last name.',
  ],
  examples: [
    {
      title: 'Put the payload under a name',
      config: { under: 'data' },
      input: '[1,2]',
      output: '{"data":[1,2]}',
    },
    {
      title: 'Gather some fields',
      config: { under: 'address', fields: ['street', 'city'] },
      input: '{"id":1,"street":"Broad St","city":"London"}',
      output: '{"id":1,"address":{"street":"Broad St","city":"London"}}',
    },
    {
      title: 'Objects out of names with dots',
      config: { delimiter: '.' },
      input: '{"customer.name":"Ada","customer.age":36}',
      output: '{"customer":{"name":"Ada","age":36}}',
    },
  ],
  create: ({ under, fields, delimiter }) => {
    const nested = (message: Message): unknown => {
      if (under !== undefined && fields === undefined) return within(under, message.json);
      const json = jsonObjectOf(message);
      return under !== undefined ? gathered(json, fields ?? [], under) : split(json, delimiter ?? '.');
    };
    return {
      process: (message) => (message.isTombstone ? message : message.derive({ json: nested(message) })),
    };
  },
});

function within(path: FieldPath, value: unknown): unknown {
  const draft = new Draft({});
  draft.set(path, value);
  return draft.root;
}

function gathered(json: object, fields: readonly FieldPath[], under: FieldPath): unknown {
  const draft = new Draft(json);
  const moved = new Map<string, unknown>();
  for (const path of fields) {
    const value = path.in(json);
    if (value === undefined) continue;
    const name = path.steps.at(-1) as string; // a path has a step
    if (moved.has(name)) throw clash(path.text);
    moved.set(name, value);
  }
  draft.removeAll(fields);
  const old = under.in(draft.root);
  if (old !== undefined && !isJsonObject(old)) throw clash(under.text);
  const target: Record<string, unknown> = { ...old };
  for (const [name, value] of moved) setField(target, name, value);
  draft.set(under, target);
  return draft.root;
}

function split(json: Record<string, unknown>, delimiter: string): unknown {
  const root: Record<string, unknown> = {};
  // Objects that are made here; those of the message itself are not added to.
  const made = new Set<unknown>([root]);
  for (const [name, value] of Object.entries(json)) {
    const steps = name.split(delimiter, MAX_LEVELS + 1);
    if (steps.length > MAX_LEVELS) throw new TidegateError('TG_MESSAGE_INVALID', TOO_DEEP);
    let holder = root;
    for (const step of steps.slice(0, -1)) {
      if (!Object.hasOwn(holder, step)) {
        const inner = {};
        made.add(inner);
        setField(holder, step, inner);
      }
      const inner = holder[step];
      if (!isJsonObject(inner) || !made.has(inner)) throw clash(name);
      holder = inner;
    }
    const last = steps.at(-1) as string; // split gives at least one
    if (Object.hasOwn(holder, last)) throw clash(name);
    setField(holder, last, value);
  }
  return root;
}

function clash(name: string): TidegateError {
  return new TidegateError('TG_MESSAGE_INVALID', `${quoteValue(name)} cannot be nested: another field has its place`);
}
