import { field, z } from '../../sdk/index.ts';

export const csvSettings = z.strictObject({
  delimiter: field
    .plainText()
    .refine(
      (text) => text.length === 1 && !/["\r\n]/.test(text),
      'expected one character that is neither a quotation mark nor a line end',
    )
    .prefault(',')
    .describe('One character between values; "\\t" for tabs.'),
  header: field.boolean().prefault(true).describe('Whether the first row has the names of the columns.'),
  columns: field
    .list()
    .pipe(z.array(z.string()).min(1, 'expected at least one name'))
    .refine((names) => new Set(names).size === names.length, 'two columns have one name')
    .optional()
    .describe('Names of the columns, in their order; in place of those that the first row or the first object has.'),
});
