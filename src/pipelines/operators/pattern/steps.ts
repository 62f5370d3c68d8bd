import { type Expression, field, z } from '../../../sdk/index.ts';

/** All records of a match: each open one keeps them. */
const MAX_RECORDS = 100;
const RESERVED = ['key', 'start', 'end'];

const step = z
  .strictObject({
    name: z.string().min(1).optional().describe('Field of the result for the record, or the list of records.'),
    when: field.condition().optional().describe('Records that the step is for.'),
    times: field.integer({ min: 1, max: MAX_RECORDS }).default(1).describe('So many of them.'),
    absent: field
      .condition()
      .optional()
      .describe(
        'No such record in front of the next step; as the last step, none until `within` is over. Such a step has nothing else.',
      ),
  })
  .superRefine(({ name, when, times, absent }, context) => {
    const mistake = (message: string) => context.addIssue({ code: 'custom', message });
    if ((when === undefined) === (absent === undefined)) mistake('a step has either when or absent');
    else if (absent !== undefined && (name !== undefined || times !== 1))
      mistake('a step with absent has nothing else: there is no record to name or to count');
    else if (when !== undefined && name === undefined)
      mistake('give the step a name: its records are in that field of the result');
  });

type Step = z.output<typeof step>;

/** `steps: [ { name, when, times }, { absent }, ... ]`, compiled. */
export const stepsSettings = () =>
  z
    .array(step)
    .superRefine((steps, context) => {
      const mistake = mistakeIn(steps);
      if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
    })
    .transform((steps) => new Steps(steps));

function mistakeIn(steps: readonly Step[]): string | undefined {
  const names = steps.flatMap(({ name }) => name ?? []);
  const records = steps.reduce((sum, { when, times }) => sum + (when === undefined ? 0 : times), 0);
  const reserved = names.find((name) => RESERVED.includes(name));
  if (steps[0]?.when === undefined) return 'the first step has when: a match begins with a record';
  if (steps.some(({ absent }, at) => absent !== undefined && steps[at + 1]?.absent !== undefined))
    return 'two absent steps follow each other; make one of them, with "or" between their conditions';
  if (records < 2 && steps.length < 2) return 'one record alone is what filter is for; add a step, or times, or absent';
  if (records > MAX_RECORDS) return `a match has at most ${MAX_RECORDS} records, and these are ${records}`;
  if (new Set(names).size < names.length) return 'two steps have the same name; each is a field of the result';
  if (reserved !== undefined) return `${reserved} is a field of every result; give the step another name`;
  return undefined;
}

/** Where a match that is not complete waits for its next record. */
export interface Position {
  /** Index of the condition of that record; undefined: none, it waits for its end. */
  readonly when: number | undefined;
  /** Index of the condition of a record that must not come meanwhile. */
  readonly unless: number | undefined;
}

/** What a match consists of, in its order. */
export class Steps {
  /** One for each record, and one for an absence at the end. */
  readonly positions: readonly Position[];
  readonly conditions: readonly Expression[];
  /** Fields of the result with the number of their records, in the order of the records. */
  readonly fields: readonly { readonly name: string; readonly times: number }[];

  constructor(steps: readonly Step[]) {
    const positions: Position[] = [];
    const conditions: Expression[] = [];
    let unless: number | undefined;
    for (const { when, times, absent } of steps) {
      // One of the two is given.
      conditions.push((when ?? absent) as Expression);
      const index = conditions.length - 1;
      if (when === undefined) unless = index;
      else
        for (let n = 0; n < times; n += 1) {
          positions.push({ when: index, unless });
          unless = undefined;
        }
    }
    if (unless !== undefined) positions.push({ when: undefined, unless });
    this.positions = positions;
    this.conditions = conditions;
    this.fields = steps.flatMap(({ name, times }) => (name === undefined ? [] : [{ name, times }]));
  }

  /** The fields of a result as JSON without braces; `values`: JSON of each record. A step of several has a list. */
  written(values: readonly string[]): string {
    let at = 0;
    const parts = this.fields.map(({ name, times }) => {
      const own = values.slice(at, at + times);
      at += times;
      return `${JSON.stringify(name)}:${times === 1 ? own[0] : `[${own.join(',')}]`}`;
    });
    return parts.join(',');
  }
}
