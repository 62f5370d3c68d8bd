import { z } from 'zod';
import * as field from '../sdk/fields.ts';

export const embeddedSchema = z.strictObject({
  path: z.string().prefault('./data').describe('Directory of the data.'),
  memory: field.boolean().prefault(false).describe('Keep everything in memory only.'),
});
