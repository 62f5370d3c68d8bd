import { setField } from '../../sdk/index.ts';
import { dataError, isMap, requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';

/** A long name around many fields comes again in each of their names. */
const MAX_CHARACTERS = 16_000_000;
const MAX_LEVELS = 1_000;

export const flatten: PartPlugin = {
  name: 'Flatten',
  settings: [
    {
      name: 'delimiter',
      type: 'STRING',
      default: '.',
      importance: 'MEDIUM',
      documentation: 'What joins the names of fields within fields.',
    },
  ],
  create: (given, part) => {
    const delimiter = given.text('delimiter') ?? '';
    return (record) => {
      if (record[part] === null) return record;
      return withPart(record, part, new Flat(delimiter).withAll(requireMap(record[part], 'flattening'), '', 1));
    };
  },
};

/** As in Connect, lists stay, an object without fields leaves nothing, and of two fields of one name the later one counts. */
class Flat {
  private readonly delimiter: string;
  private readonly fields: Record<string, unknown> = {};
  private characters = 0;

  constructor(delimiter: string) {
    this.delimiter = delimiter;
  }

  withAll(map: Readonly<Record<string, unknown>>, prefix: string, level: number): Record<string, unknown> {
    if (level > MAX_LEVELS) throw dataError(`it is nested more than ${MAX_LEVELS} levels deep`);
    for (const [name, value] of Object.entries(map)) {
      const full = prefix === '' ? name : `${prefix}${this.delimiter}${name}`;
      this.characters += full.length;
      if (this.characters > MAX_CHARACTERS)
        throw dataError(`the names of its fields have more than ${MAX_CHARACTERS} characters`);
      if (isMap(value)) this.withAll(value, full, level + 1);
      else setField(this.fields, full, value);
    }
    return this.fields;
  }
}
