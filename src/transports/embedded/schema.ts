import { z } from 'zod';
import * as field from '../../sdk/fields.ts';

/** The part of the `log` section that concerns the embedded log. */
export const embeddedSchema = z.strictObject({
  path: z.string().default('./data').describe('Directory of the log. One gateway at a time owns it.'),
  memory: field.boolean().default(false).describe('Keep everything in memory: gone when the gateway stops.'),
  retention_bytes: field
    .size()
    .default(1_073_741_824)
    .describe(
      'What a topic may hold, shared evenly by its partitions, unless the topic sets retention.bytes (per partition).',
    ),
  retention_time: field
    .duration()
    .default(604_800_000)
    .describe('How long records are kept, unless the topic sets retention.ms.'),
  max_record: field
    .size()
    .default(1_048_576)
    .describe('The largest record that is taken, unless the topic sets max.message.bytes.'),
});

export type EmbeddedSettings = z.output<typeof embeddedSchema>;
