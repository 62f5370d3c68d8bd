import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import type { Registry } from '../../sdk/registry.ts';
import { innerSinkSchema, sourceSchema } from './component-schema.ts';
import { topicName } from './log-schema.ts';
import { stepSchema } from './step-schema.ts';

const batch = z.strictObject({
  count: field.integer({ min: 1 }).prefault(500).describe('Most messages of a batch.'),
  bytes: field.size().prefault('512KiB').describe('Most bytes of a batch; a single larger message goes alone.'),
  period: field
    .duration()
    .prefault('5ms')
    .describe('Longest time that a message waits for more messages while the sink is busy.'),
});

const inFlight = z.strictObject({
  messages: field
    .integer({ min: 2 })
    .prefault(16_384)
    .describe('Messages in flight; at this number the source is paused.'),
  bytes: field.size().prefault('64MiB').describe('Bytes in flight; at this number the source is paused.'),
});

const onError = z.strictObject({
  retries: field
    .integer({ max: 1_000 })
    .prefault(5)
    .describe(
      'How often a message is tried again after an error that may pass. Waiting for an unreachable log does not count.',
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
      'If true, a record that failed for good and has no dead letter, or whose dead letter failed too, is counted, logged and skipped. Otherwise its pipeline stops there. Only for a source with a group.',
    ),
});

const transaction = z.strictObject({
  interval: field
    .duration()
    .prefault('100ms')
    .describe('Longest time that a result waits for others before the transaction is committed.'),
  bytes: field.size().prefault('8MiB').describe('Bytes of results at which it is committed before that.'),
});

export const DEFAULT_TRANSACTION = transaction.parse({});

export function pipelineSchema(registry: Registry) {
  return z
    .strictObject({
      source: sourceSchema(registry).describe(
        'Where messages come from: a source, or a list of sources that are merged, each with an equal share of in_flight.',
      ),
      batch: batch.prefault({}).describe('How messages are gathered.'),
      in_flight: inFlight.prefault({}).describe('How much may be in flight at a time.'),
      processors: z
        .array(stepSchema(registry))
        .prefault([])
        .describe(
          'What changes the messages, in this order: NAME or { NAME: settings }, with on_error: skip, dead_letter or fail where it is to differ from that of the pipeline, label: a name for errors, metrics and tests, and timeout: how long it may take for a message; or { try: [ ... ], catch: [ ... ] } around processors.',
        ),
      sink: innerSinkSchema(registry).describe('Where messages go.'),
      on_error: onError.prefault({}).describe('What happens to messages that fail.'),
      exactly_once: field
        .boolean()
        .prefault(false)
        .describe(
          'Results, dead letters and offsets are committed in one transaction, so that each result is in the log once. For a source of topics with a group, and a sink that is a topic, drop, or a route or all of these.',
        ),
      transaction: transaction.prefault({}).describe('How large transactions get, with exactly_once.'),
      broadcast: field
        .boolean()
        .prefault(false)
        .describe(
          'Allows a source without a group before a sink that is not an endpoint: every gateway then writes every record.',
        ),
    })
    .describe('Takes messages from a source to a sink.');
}
