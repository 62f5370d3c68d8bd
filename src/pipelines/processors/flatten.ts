import { defineProcessor, field, isJsonObject, quoteValue, setField, TidegateError, z } from '../../sdk/index.ts';
import { jsonObjectOf } from './json-object.ts';

const MAX_LEVELS = 1_000;
const MAX_CHARACTERS = 16_000_000;

export const flatten = defineProcessor({
  name: 'flatten',
  summary: 'Makes one level of fields out of objects within objects.',
  description:
    'The name of a field is the names of its path, joined. `nest` is the way back. Empty objects and empty lists stay as they are. Numbers keep all their digits. A record without a value passes.',
  config: z.strictObject({
    delimiter: z.string().min(1, 'expected at least one character').prefault('.').describe('What joins the names.'),
    lists: field
      .boolean()
      .prefault(false)
      .describe('Whether lists become fields as well, by position; otherwise they stay lists.'),
  }),
  failures: [
    'The payload is not a JSON object.',
    'Two fields would get the same name.',
    'It has more than 1,000 levels, or the names together would have more than 16 million characters.',
  ],
  examples: [
    {
      title: 'Columns of a table out of nested objects',
      config: {},
      input: '{"id":1,"customer":{"name":"Ada","address":{"city":"London"}},"tags":["a","b"]}',
      output: '{"id":1,"customer.name":"Ada","customer.address.city":"London","tags":["a","b"]}',
    },
    {
      title: 'Lists as well, with another delimiter',
      config: { delimiter: '_', lists: true },
      input: '{"bid":[{"p":1.5},{"p":1.25}]}',
      output: '{"bid_0_p":1.5,"bid_1_p":1.25}',
    },
    {
      title: 'Two fields of one name fail',
      config: {},
      input: '{"a.b":1,"a":{"b":2}}',
      output: { error: 'TG_MESSAGE_INVALID: two fields would be called a.b' },
    },
  ],
  create: ({ delimiter, lists }) => {
    const add = (flat: Flat, prefix: string, value: unknown, level: number): void => {
      if (!hasFields(value, lists)) {
        flat.add(prefix, value);
        return;
      }
      if (level === MAX_LEVELS) throw new TidegateError('TG_MESSAGE_INVALID', 'the payload is nested too deeply');
      for (const [name, inner] of Object.entries(value)) add(flat, `${prefix}${delimiter}${name}`, inner, level + 1);
    };
    return {
      process: (message) => {
        if (message.isTombstone) return message;
        const flat = new Flat();
        for (const [name, value] of Object.entries(jsonObjectOf(message))) add(flat, name, value, 1);
        return message.derive({ json: flat.fields });
      },
    };
  },
});

/** The fields of one message. A long name around many fields would come again in each of their names. */
class Flat {
  readonly fields: Record<string, unknown> = {};
  private characters = 0;

  add(name: string, value: unknown): void {
    this.characters += name.length;
    if (this.characters > MAX_CHARACTERS)
      throw new TidegateError(
        'TG_MESSAGE_INVALID',
        `the names of its fields have more than ${MAX_CHARACTERS} characters`,
      );
    if (Object.hasOwn(this.fields, name))
      throw new TidegateError('TG_MESSAGE_INVALID', `two fields would be called ${quoteValue(name)}`);
    setField(this.fields, name, value);
  }
}

function hasFields(value: unknown, lists: boolean): value is object {
  return (isJsonObject(value) || (lists && Array.isArray(value))) && Object.keys(value).length > 0;
}
