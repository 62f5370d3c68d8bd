import { z } from 'zod';
import * as field from '../sdk/fields.ts';
import type { Registry } from '../sdk/registry.ts';
import { componentSchema } from './component-schema.ts';
import { topicName } from './log-schema.ts';

const batch = z.strictObject({
  count: field.integer({ min: 1 }).prefault(500).describe('Most messages of a batch.'),
  bytes: field.size().prefault('512KiB').describe('Most bytes of a batch; a single larger message goes alone.'),
  period: field
    .duration()
    .prefault('5ms')
    .describe('Longest time that a message waits for others while the sink is busy.'),
});

const inFlight = z.strictObject({
  messages: field
    .integer({ min: 2 })
    .prefault(16_384)
    .describe('Messages on their way; at this mark the source is paused.'),
  bytes: field.size().prefault('64MiB').describe('Bytes on their way; at this mark the source is paused.'),
});

const onError = z.strictObject({
  retries: field
    .integer({ max: 1_000 })
    .prefault(5)
    .describe(
      'How often a message that failed for a passing reason is tried again. A log that is away does not count.',
    ),
  backoff: z
    .strictObject({
      initial: field
        .duration()
        .prefault('100ms')
        .describe('Pause before the first retry; it doubles each time, with jitter.'),
      max: field.duration().prefault('10s').describe('Longest pause.'),
    })
    .prefault({})
    .describe('Pauses between retries.'),
  dead_letter: topicName().optional().describe('Topic for messages that failed for good; without one they are nacked.'),
  skip: field
    .boolean()
    .prefault(false)
    .describe(
      'Whether a record that failed for good and has no dead letter, or whose dead letter failed too, is counted, logged and passed over. Otherwise its pipeline stops there. Only for a source with a group.',
    ),
});

export function pipelineSchema(registry: Registry) {
  const steps = [...registry.all('processor'), ...registry.all('operator')];
  return z
    .strictObject({
      source: componentSchema('source', registry.all('source')).describe('Where messages come from.'),
      batch: batch.prefault({}).describe('How messages are gathered.'),
      in_flight: inFlight.prefault({}).describe('How much may be on its way at a time.'),
      processors: z
        .array(componentSchema('processor', steps))
        .prefault([])
        .describe('What changes the messages, in this order.'),
      sink: componentSchema('sink', registry.all('sink')).describe('Where messages go.'),
      on_error: onError.prefault({}).describe('What happens to messages that fail.'),
      broadcast: field
        .boolean()
        .prefault(false)
        .describe(
          'Says that a source without a group may feed a sink that is no set of clients: every gateway then writes every record.',
        ),
    })
    .describe('Messages on their way from a source to a sink.');
}
