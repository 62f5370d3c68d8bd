import { setField } from '../../sdk/index.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';

export const hoistField: PartPlugin = {
  name: 'HoistField',
  settings: [
    {
      name: 'field',
      type: 'STRING',
      default: undefined,
      importance: 'MEDIUM',
      documentation: 'Name of the only field of the object that the whole is put into.',
    },
  ],
  create: (given, part) => {
    const field = given.text('field') ?? '';
    return (record) => {
      const around: Record<string, unknown> = {};
      setField(around, field, Buffer.isBuffer(record[part]) ? record[part].toString('base64') : record[part]);
      return withPart(record, part, around);
    };
  },
};
