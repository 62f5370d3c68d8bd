import { withAddedHeader } from '../../core/headers.ts';
import { headerOf } from './header-text.ts';
import { fieldOf, requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { nonEmptyList, replaceNullWithDefault, SettingMistake } from './setting.ts';

export const headerFrom: PartPlugin = {
  name: 'HeaderFrom',
  settings: [
    {
      name: 'fields',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Fields whose values become headers.',
      flaw: nonEmptyList,
    },
    {
      name: 'headers',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Names of the headers, in the order of the fields.',
      flaw: nonEmptyList,
    },
    {
      name: 'operation',
      type: 'STRING',
      default: undefined,
      oneOf: ['move', 'copy'],
      importance: 'HIGH',
      documentation: 'move: the fields are removed. copy: they stay.',
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const [fields, names] = [given.list('fields'), given.list('headers')];
    if (fields.length !== names.length)
      throw new SettingMistake('fields', "'fields' config must have the same number of elements as 'headers' config.");
    const isMove = given.text('operation') === 'move';
    return (record) => {
      const map = requireMap(record[part], `header ${isMove ? 'move' : 'copy'}`);
      const changed = { ...map };
      for (const [at, field] of fields.entries()) {
        record.headers = withAddedHeader(record.headers, names[at] ?? '', headerOf(fieldOf(map, field)));
        if (isMove) delete changed[field];
      }
      return withPart(record, part, changed);
    };
  },
};
