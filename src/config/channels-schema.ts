import { z } from 'zod';
import * as field from '../sdk/fields.ts';
import { names } from './allow-schema.ts';

export const channels = z.strictObject({
  join: names().describe(
    'Channels that each connection is in from its handshake on, such as "user.${! auth.sub }" or "symbol.${! meta.symbol }". A client for which one of them has no value is refused. An expression alone may give a list of names.',
  ),
  max_per_connection: field
    .integer({ min: 1, max: 100_000 })
    .prefault(100)
    .describe('Most channels that one connection may be in, those of join included.'),
  history: z.strictObject({ last: field.integer({ min: 1 }).prefault(100) }).optional(),
  recover: z
    .strictObject({
      records: field.integer({ min: 1 }).prefault(100_000),
      age: field.duration().prefault('24h'),
      concurrency: field.integer({ min: 1 }).prefault(2),
      timeout: field.duration().prefault('3s'),
    })
    .optional(),
});
