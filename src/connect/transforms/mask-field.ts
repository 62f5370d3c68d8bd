import { ExactNumber } from '../../core/exact-number.ts';
import { setField } from '../../sdk/index.ts';
import {
  classOf,
  dataError,
  doubleText,
  fieldOf,
  isLong,
  isMap,
  isNumber,
  NUMBER,
  numberOf,
  requireMap,
} from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { nonEmptyList, nonEmptyText, replaceNullWithDefault } from './setting.ts';
import { longOf } from './whole-numbers.ts';

export const maskField: PartPlugin = {
  name: 'MaskField',
  settings: [
    {
      name: 'fields',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Fields to mask; one that is not there becomes null.',
      flaw: nonEmptyList,
    },
    {
      name: 'replacement',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'What text and numbers become, in place of "" and 0.',
      flaw: nonEmptyText,
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const fields = given.list('fields');
    const replacement = given.text('replacement');
    return (record) => {
      const map = requireMap(record[part], 'mask fields');
      const changed = { ...map };
      for (const field of fields) {
        const value = fieldOf(map, field);
        setField(changed, field, replacement === undefined ? emptyLike(value) : replaced(value, replacement));
      }
      return withPart(record, part, changed);
    };
  },
};

/** The value without content that has the same type. */
function emptyLike(value: unknown): unknown {
  if (typeof value === 'string') return '';
  if (typeof value === 'boolean') return false;
  if (isNumber(value)) return isLong(value) ? 0 : new ExactNumber('0.0');
  if (Array.isArray(value)) return [];
  return isMap(value) ? {} : null;
}

function replaced(value: unknown, replacement: string): unknown {
  if (value === null) return null;
  if (typeof value === 'string') return replacement;
  if (!isNumber(value)) throw dataError(`Cannot mask value of type class ${classOf(value)} with custom replacement.`);
  if (!NUMBER.test(replacement))
    throw dataError(`Unable to convert ${replacement} (class java.lang.String) to a number`);
  if (!isLong(value)) return new ExactNumber(doubleText(Number(replacement)));
  const digits = replacement.replace(/^\+/, '');
  return numberOf(String(longOf(new ExactNumber(digits))));
}
