import { setField } from '../../sdk/index.ts';
import { fieldOf, requireMap } from './java-values.ts';
import type { WholePlugin } from './record-plugin.ts';
import { nonEmptyList, replaceNullWithDefault } from './setting.ts';

export const valueToKey: WholePlugin = {
  name: 'ValueToKey',
  settings: [
    {
      name: 'fields',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Fields of the value of which the key is made, as an object; one that is not there is null.',
      flaw: nonEmptyList,
    },
    replaceNullWithDefault,
  ],
  create: (given) => {
    const fields = given.list('fields');
    return (record) => {
      const map = requireMap(record.value, 'copying fields from value to key');
      const key: Record<string, unknown> = {};
      for (const field of fields) setField(key, field, fieldOf(map, field));
      record.key = key;
      return record;
    };
  },
};
