import { z } from 'zod';
import * as field from '../../sdk/fields.ts';

/** The part of the `log` section that concerns the embedded log. */
export const embeddedSchema = z.strictObject({
  path: z.string().meta(field.FILE).prefault('./data').describe('Directory of the log. One gateway at a time owns it.'),
  memory: field.boolean().prefault(false).describe('Keep everything in memory; it is lost when the gateway stops.'),
  retention_bytes: field
    .size()
    .prefault('1GiB')
    .describe(
      'Largest size of a topic, shared evenly by its partitions, unless the topic sets retention.bytes (per partition).',
    ),
  retention_time: field
    .duration()
    .prefault('7d')
    .describe('How long records are kept, unless the topic sets retention.ms.'),
  max_record: field
    .size()
    .prefault('1MiB')
    .describe('Largest record that is accepted, unless the topic sets max.message.bytes.'),
});

export type EmbeddedSettings = z.output<typeof embeddedSchema>;
