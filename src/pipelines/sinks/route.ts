import { map, merge, Subject } from 'rxjs';
import {
  asTidegateError,
  Batch,
  type Counter,
  defineSink,
  type Expression,
  field,
  type InnerSink,
  type Message,
  type TidegateError,
  z,
} from '../../sdk/index.ts';
import { entriesOf, InnerSinks } from './inner-sinks.ts';
import { Turns } from './turns.ts';

interface Clause {
  readonly when?: Expression | undefined;
  readonly sink: InnerSink;
}

/** No clause matches. */
const NOWHERE = -1;
/** Its condition failed, and it is settled. */
const FAILED = -2;

/** `inner`: the schema of a sink. */
export const routeSink = (inner: z.ZodType<InnerSink>) =>
  defineSink({
    name: 'route',
    summary: 'One of several sinks for each message: the first one whose condition is true.',
    description:
      'Entries are tried in their order; the last one may leave out `when` and takes the rest. A message that none takes ends here: it counts as done, its client receives `filtered`, and `tidegate_route_unmatched_total` counts it. A batch is divided among the sinks; within each of them messages keep their order.',
    config: z
      .array(
        z.strictObject({
          when: field
            .condition()
            .optional()
            .describe(
              'Taken where this is true; no value, false, 0 and "" mean no. Only the last entry may leave it out.',
            ),
          sink: inner.describe('Where these messages go.'),
        }),
      )
      .min(1, 'expected at least one entry')
      .max(1_000, 'expected at most 1,000 entries')
      .superRefine((clauses, context) => {
        for (const [at, { when }] of clauses.entries())
          if (when === undefined && at < clauses.length - 1)
            context.addIssue({
              code: 'custom',
              path: [at],
              message:
                'takes every message, so the entries behind it get none; give it a when, or make it the last one',
            });
      }),
    failures: ['A condition fails.', 'The sink that it goes to fails.'],
    examples: [
      [
        { when: "${! json.type = 'alarm' }", sink: { topic: { name: 'alarms' } } },
        { sink: { topic: { name: 'readings' } } },
      ],
    ],
    reaches: 'inner',
    inner: (settings) =>
      entriesOf(settings).flatMap(({ value, path }) =>
        typeof value === 'object' && value !== null && 'sink' in value
          ? [{ value: value.sink, path: [...path, 'sink'] }]
          : [],
      ),
    create: (clauses, context) => {
      const sinks = clauses.map(({ sink }) => sink);
      const innerSinks = new InnerSinks(sinks, context, (at) => `route[${at}].sink`);
      const unmatched = context.stats.counter('tidegate_route_unmatched_total', { place: context.path });
      const broken = new Subject<TidegateError>();
      const turns = new Turns();
      return {
        open: () => innerSinks.open(),
        write: (batch) => {
          let isLate = false;
          turns.take(choices(clauses, batch.messages), (sure) => {
            try {
              distribute(batch, sure, innerSinks, unmatched);
            } catch (error) {
              // The pipeline notices only what is thrown within its write.
              if (!isLate) throw error;
              broken.next(asTidegateError(error, 'TG_FLOW_FAILED', `${context.path}: a sink threw an error`));
            }
          });
          isLate = true;
        },
        get idle() {
          return innerSinks.idle;
        },
        idle$: innerSinks.idle$,
        failed$: merge(broken, innerSinks.failed$.pipe(map(({ failure }) => failure))),
        keyOf: (message) => {
          const at = choice(clauses, message, 0);
          if (!(at instanceof Promise)) return innerSinks.keyOf(at, message);
          return at.then((found) => innerSinks.keyOf(found, message));
        },
        close: () => innerSinks.close(),
      };
    },
  });

/** The number of the clause of each message; at once where all conditions answer at once. */
function choices(clauses: readonly Clause[], messages: readonly Message[]): number[] | Promise<number[]> {
  let isSure = true;
  const chosen = messages.map((message): number | Promise<number> => {
    try {
      const at = choice(clauses, message, 0);
      if (!(at instanceof Promise)) return at;
      isSure = false;
      return at.catch((error: unknown) => failed(message, error));
    } catch (error) {
      return failed(message, error);
    }
  });
  return isSure ? (chosen as number[]) : Promise.all(chosen);
}

function choice(clauses: readonly Clause[], message: Message, from: number): number | Promise<number> {
  for (let at = from; at < clauses.length; at += 1) {
    const when = clauses[at]?.when;
    if (when === undefined) return at;
    const verdict = when.evaluate(message);
    if (verdict instanceof Promise) return verdict.then((value) => (value ? at : choice(clauses, message, at + 1)));
    if (verdict) return at;
  }
  return NOWHERE;
}

function failed(message: Message, error: unknown): number {
  message.nack(asTidegateError(error, 'TG_EXPRESSION_FAILED'));
  return FAILED;
}

function distribute({ messages }: Batch, chosen: readonly number[], inner: InnerSinks, unmatched: Counter): void {
  const parts = new Map<number, Message[]>();
  for (const [index, message] of messages.entries()) {
    const at = chosen[index] as number;
    if (at === FAILED) continue;
    if (at === NOWHERE) {
      unmatched.value += 1;
      message.ack('filtered');
      continue;
    }
    const part = parts.get(at);
    if (part === undefined) parts.set(at, [message]);
    else part.push(message);
  }
  for (const [at, part] of parts) inner.write(at, new Batch(part));
}
