import type { WholePlugin } from './record-plugin.ts';
import { nonEmptyList } from './setting.ts';

export const dropHeaders: WholePlugin = {
  name: 'DropHeaders',
  settings: [
    {
      name: 'headers',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Names of the headers to remove.',
      flaw: nonEmptyList,
    },
  ],
  create: (given) => {
    const names = new Set(given.list('headers'));
    return (record) => {
      record.headers = record.headers.filter(([name]) => !names.has(name));
      return record;
    };
  },
};
