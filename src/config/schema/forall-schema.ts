import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { didYouMean } from '../problem/suggest.ts';

/** What can go wrong in a run, each with what happens then. A step `{ fault: NAME }` of a test's input is the same. */
export const FAULTS = {
  sink_refuses: 'The log refuses the next record that the pipeline writes, for good.',
  crash: 'The gateway ends without draining, and a new one starts on the same log.',
  late: 'The log answers the next write 5 seconds late.',
  duplicate: 'The outcome of the next write is unknown: it is stored, and written again.',
  link_down: 'The log cannot be reached until the next link_up, or the end of the input.',
} as const;

export type Fault = keyof typeof FAULTS;
/** `link_up` is a step only: it ends `link_down`. */
export type FaultStep = Fault | 'link_up';

const faultName = <T extends string>(names: readonly T[]) =>
  z.string('expected the name of a fault').transform((name, context): T => {
    if ((names as readonly string[]).includes(name)) return name as T;
    const message = `there is no fault "${name}"${didYouMean(name, names) || `; there are ${names.join(', ')}`}`;
    context.issues.push({ code: 'custom', message, input: name });
    return z.NEVER;
  });

const faults = Object.keys(FAULTS) as Fault[];

/** The name of a fault as a step of a test's `input`. */
export const faultStep = faultName<FaultStep>([...faults, 'link_up']).describe(
  `What goes wrong at this point: ${[...faults, 'link_up'].join(', ')}.`,
);

const counts = z
  .strictObject({
    min: field.integer({ min: 1, max: 10_000 }).prefault(1).describe('Fewest messages of a run.'),
    max: field.integer({ min: 1, max: 10_000 }).prefault(10).describe('Most messages of a run.'),
  })
  .refine(({ min, max }) => min <= max, 'min is above max');

/** `forall:` of a test: messages and faults that are drawn at random. */
export const forallSchema = z
  .strictObject({
    schema: z
      .union(
        [z.string().min(1), z.record(z.string(), z.unknown())],
        'expected a JSON Schema, or the path of a file with one',
      )
      .describe('What the messages are: a JSON Schema, or the path of a file with one, relative to this file.'),
    runs: field.integer({ min: 1, max: 1_000_000 }).prefault(100).describe('How many runs there are.'),
    seed: field
      .integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
      .optional()
      .describe('Where the random numbers begin: the same seed gives the same runs. Left out: another one each time.'),
    messages: counts.prefault({}).describe('How many messages a run has.'),
    keys: z
      .union(
        [field.integer({ min: 0, max: 10_000 }), z.array(z.string()).min(1), field.expression()],
        'expected a number of keys, a list of keys, or an expression such as "${! json.customer }"',
      )
      .prefault(3)
      .describe('Keys of the messages: how many (0: none), a list, or an expression over the message.'),
    headers: z
      .record(z.string(), z.array(z.string()).min(1))
      .prefault({})
      .describe('Headers of the messages by name, each with the values that it may have.'),
    invalid: z
      .union([field.boolean(), field.number({ min: 0, max: 1 })], 'expected true, false or a share such as 0.2')
      .prefault(false)
      .transform((share) => (typeof share === 'boolean' ? Number(share) * 0.2 : share))
      .describe('Share of the messages that break the schema, or are not JSON; true is 0.2.'),
    faults: z
      .array(faultName(faults))
      .prefault([])
      .describe(`What may go wrong: ${faults.join(', ')}.`),
    time: field.duration().prefault('10s').describe('Longest time that passes between two messages.'),
  })
  .describe('Messages that fit a schema, and faults, drawn at random; with hold.');

export type ForallSettings = z.output<typeof forallSchema>;
