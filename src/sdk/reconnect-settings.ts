import { z } from 'zod';
import { matcher } from './connect-messages.ts';
import * as field from './fields.ts';

/*
 * When a connection that the gateway dials is made again: after it was lost, and in place of one that still works.
 */

const backoff = z
  .strictObject({
    initial: field.duration().prefault('500ms').describe('First pause; it doubles with each attempt, with jitter.'),
    max: field.duration().prefault('30s').describe('Longest pause.'),
  })
  .refine(({ initial, max }) => initial <= max, {
    path: ['initial'],
    message: 'the first pause is longer than backoff.max',
  });

const shape = {
  enabled: field
    .boolean()
    .prefault(true)
    .describe('If false, the pipeline is FAILED as soon as the connection is lost or cannot be made.'),
  interval: field.duration().optional().describe('A constant pause before each attempt, instead of the back-off.'),
  backoff: backoff
    .prefault({})
    .describe('Pauses between attempts; the next one is `initial` again once a connection has lasted 10 s.'),
  on: matcher()
    .optional()
    .describe(
      'Messages by which the server asks for a new connection, which is made at once; an expression, or an object whose fields they have. They are no records.',
    ),
  every: field
    .duration()
    .refine((milliseconds) => milliseconds >= 1_000, 'is less than 1s: the server would see a reconnect storm')
    .optional()
    .describe(
      'Age at which a connection is replaced, before a limit of the server ends it; up to a tenth earlier at random.',
    ),
};

const overlap = field
  .duration()
  .optional()
  .describe(
    'With it, the new connection is live before the old one is closed, and both are read for this time; needs `dedupe` or `resume`. Otherwise the old one is closed first.',
  );

/** Shared by sources and sinks. */
export const reconnect = () => z.strictObject(shape).superRefine(refuseUseless);

/** Of a source, which can read two connections at a time. */
export const overlappingReconnect = () =>
  z.strictObject({ ...shape, overlap }).superRefine((settings, context) => {
    refuseUseless(settings, context);
    const { overlap, every, on } = settings;
    if (overlap === undefined) return;
    const mistaken = (message: string) => context.addIssue({ code: 'custom', path: ['overlap'], message });
    if (every === undefined && on === undefined)
      mistaken('nothing replaces a connection that works; set every or on, too');
    else if (every !== undefined && overlap > every / 2) mistaken('is longer than half of every');
  });

/** Without `enabled` there is no second connection. */
function refuseUseless(
  { enabled, on, every }: { enabled: boolean; on?: unknown; every?: unknown },
  context: z.RefinementCtx,
): void {
  if (enabled) return;
  for (const [name, value] of Object.entries({ on, every }))
    if (value !== undefined)
      context.addIssue({ code: 'custom', path: [name], message: 'with enabled: false there is no other connection' });
}
