import { type AnswerTemplate, field, template, z } from '../../sdk/index.ts';

const resubscription = z
  .strictObject({
    send: template(['url', 'binary', 'by']).describe(
      'The message; it can use the message that shows the gap, the value of `by` as `${! meta.by }`, and what `subscribe` can use. It is not sent if one of its values is missing.',
    ),
  })
  .transform(({ send }) => ({ send: withBy(send), usesBy: reads(send, 'by') }));

function reads({ expressions }: AnswerTemplate, wanted: string): boolean {
  return expressions.some((each) => each.reads.some(({ path: [root, name] }) => root === 'meta' && name === wanted));
}

/** `meta.by` is there only for these messages, so that lint must not look for it in what the source gives. */
function withBy(send: AnswerTemplate): AnswerTemplate {
  const expressions = send.expressions.map((expression) => ({
    ...expression,
    reads: expression.reads.filter(({ path: [root, name] }) => root !== 'meta' || name !== 'by'),
  }));
  return Object.assign((message: Parameters<AnswerTemplate>[0]) => send(message), { ...send, expressions });
}

/** Numbers by which a feed shows that messages are missing. */
export const sequenceSettings = z
  .strictObject({
    value: field
      .expression()
      .describe(
        'The number of a message, such as "${! json.seq }": a whole number of any size, also as text. A message without one is not checked; replies and pings, which are no records, are checked if they have one.',
      ),
    first: field
      .expression()
      .optional()
      .describe(
        'The first number of a message that has several, whose last one is `value`, such as "${! json.data[0].seq }"; of a message that names the one before it, "${! json.previous + 1 }". A message without it, such as a snapshot, begins the sequence again. By default a message has one number.',
      ),
    by: field
      .expression()
      .optional()
      .describe(
        'What a sequence of numbers belongs to, such as "${! json.symbol }"; by default there is one sequence.',
      ),
    step: field.integer({ min: 1 }).prefault(1).describe('By how much the number grows from message to message.'),
    modulus: field
      .integer({ min: 2 })
      .optional()
      .describe(
        'Numbers begin at 0 again before they reach this one, such as 4294967296; without it, that is a jump back.',
      ),
    window: field
      .integer({ min: 1, max: 1_000_000 })
      .prefault(10_000)
      .describe('Maximum number of values of `by` to remember; the one without a message for longest is forgotten.'),
    resubscribe: z
      .preprocess(
        (value) => (value === undefined || Array.isArray(value) ? value : [value]),
        z
          .array(resubscription)
          .min(1, 'name at least one message')
          .meta({ type: ['array', 'object'] }),
      )
      .optional()
      .describe(
        'Messages to send when a gap shows, such as those that end and begin the subscription of a symbol; for each value of `by` at most once in 10 s, and not for the first message of a connection.',
      ),
  })
  .refine(({ step, modulus }) => modulus === undefined || step < modulus, {
    path: ['step'],
    message: 'is not less than modulus',
  })
  .refine(({ by, resubscribe = [] }) => by !== undefined || !resubscribe.some(({ usesBy }) => usesBy), {
    path: ['resubscribe'],
    message: 'there is no by, so ${! meta.by } never has a value; set by, such as "${! json.symbol }"',
  });

export type SequenceSettings = z.output<typeof sequenceSettings>;
