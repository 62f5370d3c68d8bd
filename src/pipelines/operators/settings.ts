import { field, z } from '../../sdk/index.ts';
import type { StateLimits } from './state-limit.ts';

const MAX_SPAN = 31 * 86_400_000;

/** For how long records are kept. They are read again after a restart, so the topic has to keep them for as long. */
export const spanSettings = () =>
  field
    .duration()
    .refine(
      (milliseconds) => milliseconds > 0 && milliseconds <= MAX_SPAN,
      'expected more than 0 and at most 744h (31 days): records are read again after a restart, so the topic has to keep them for as long',
    );

/** `state: { keys, bytes }`: what an operator keeps of one partition at most. */
export const stateSettings = (keys: string, defaults: StateLimits = { keys: 1_000_000, bytes: 256 * 1024 * 1024 }) =>
  z
    .strictObject({
      keys: field.integer({ min: 1 }).default(defaults.keys).describe(keys),
      bytes: field.size().default(defaults.bytes).describe('Memory that it keeps of a partition, about.'),
    })
    .prefault({})
    .describe('Limits; a record that would exceed them fails with TG_STATE_FULL.');
