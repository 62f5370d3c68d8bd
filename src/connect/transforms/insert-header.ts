import { withAddedHeader } from '../../core/headers.ts';
import { literalHeader } from './header-text.ts';
import type { WholePlugin } from './record-plugin.ts';

export const insertHeader: WholePlugin = {
  name: 'InsertHeader',
  settings: [
    {
      name: 'header',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Name of the header.',
    },
    {
      name: 'value.literal',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Its value. A number is written in its shortest form, and null is a header without a value.',
    },
  ],
  create: (given) => {
    const name = given.text('header') ?? '';
    const value = literalHeader(given.text('value.literal') ?? '');
    return (record) => {
      record.headers = withAddedHeader(record.headers, name, value);
      return record;
    };
  },
};
