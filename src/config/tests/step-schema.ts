import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { byKey, oneOf } from './forms.ts';
import {
  ANYTHING,
  type Expected,
  expectedFrame,
  expectedList,
  expectedMessage,
  type GivenMessage,
  givenPayload,
  hasOnePayload,
  messageSchema,
} from './message-schema.ts';

const texts = z.record(z.string(), z.string('expected text; put the value in quotes'));

const connect = z.strictObject({
  endpoint: z.string().optional().describe('Endpoint, if it is not that of the test.'),
  path: z.string().optional().describe('Path of the handshake; that of the endpoint if it has no parameters.'),
  query: texts.optional().describe('Parameters of the query by name.'),
  headers: texts.optional().describe('Headers of the handshake by name.'),
  protocol: z.string().optional().describe('Subprotocol that the client asks for.'),
  claims: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Who the client is: what auth.NAME would have said of it. No token is checked.'),
});

const frame = z.strictObject(givenPayload).superRefine(hasOnePayload);
export type GivenFrame = z.output<typeof frame>;

const closeCode = field.integer({ min: 1_000, max: 4_999 });

/** What a client may see in place of frames. */
const ending = z
  .strictObject({
    close: closeCode.optional().describe('Close code with which the gateway closes the connection.'),
    refused: field
      .integer({ min: 400, max: 599 })
      .optional()
      .describe('HTTP status with which the handshake is refused.'),
  })
  .superRefine((given, context) => {
    if (Object.keys(given).length === 1) return;
    context.addIssue({ code: 'custom', message: 'expected one of close and refused', input: given });
  });

const frames = oneOf<GivenFrame | readonly GivenFrame[]>(
  'expected a frame: { json: ... } or { text: ... }, or a list',
  {
    object: frame,
    array: z.array(frame).min(1, 'expected at least one frame'),
  },
);

type Ending = z.output<typeof ending>;
type ExpectedList = readonly Expected[] | typeof ANYTHING;

const seen = oneOf<ExpectedList | Ending>(
  'expected a list of frames, [] for none, "*" for any, { close: code } or { refused: status }',
  { string: z.literal(ANYTHING), array: z.array(expectedFrame), object: ending },
);

const clientStep = z
  .strictObject({
    client: z.string().min(1).describe('Name of the client, which the test chooses.'),
    connect: connect.optional().describe('The client connects.'),
    send: frames.optional().describe('A frame, or several, that the client sends.'),
    expect: seen
      .optional()
      .describe(
        'All frames that the client has received since the last expect, in their order; or { close: code }, { refused: status }.',
      ),
    close: closeCode.optional().describe('The client closes its connection with this code.'),
  })
  .superRefine(doesOneThing(['connect', 'send', 'expect', 'close']))
  .transform(({ client, connect, send, expect, close }): Step => {
    if (connect !== undefined) return { kind: 'connect', client, connect };
    if (send !== undefined) return { kind: 'send', client, frames: [send].flat() as GivenFrame[] };
    if (close !== undefined) return { kind: 'close', client, code: close };
    return expectation(client, expect ?? []);
  });

const topicStep = z
  .strictObject({
    topic: z.string().min(1).describe('Name of the topic.'),
    append: z
      .array(messageSchema)
      .min(1, 'expected at least one record')
      .optional()
      .describe('Records that are written to the topic, as by another program.'),
    expect: expectedList(expectedMessage)
      .optional()
      .describe('All records that were written to the topic since the last expect, in their order.'),
  })
  .superRefine(doesOneThing(['append', 'expect']))
  .transform(
    ({ topic, append, expect }): Step =>
      append === undefined
        ? { kind: 'records', topic, expected: expect ?? [] }
        : { kind: 'append', topic, records: append },
  );

const timeStep = z
  .strictObject({ after: field.duration().describe('Time that goes by.') })
  .transform(({ after }): Step => ({ kind: 'after', after }));

/** What happens in the test of an endpoint, one thing behind the other. */
export type Step =
  | { readonly kind: 'after'; readonly after: number }
  | { readonly kind: 'connect'; readonly client: string; readonly connect: z.output<typeof connect> }
  | { readonly kind: 'send'; readonly client: string; readonly frames: readonly GivenFrame[] }
  | { readonly kind: 'close'; readonly client: string; readonly code: number }
  | { readonly kind: 'frames'; readonly client: string; readonly expected: ExpectedList }
  | { readonly kind: 'closed'; readonly client: string; readonly code: number }
  | { readonly kind: 'refused'; readonly client: string; readonly status: number }
  | { readonly kind: 'append'; readonly topic: string; readonly records: readonly GivenMessage[] }
  | { readonly kind: 'records'; readonly topic: string; readonly expected: ExpectedList };

/** A step: of a client, of a topic, or of time. */
export const stepSchema: z.ZodType<Step> = byKey<Step>('expected a step with client, topic or after', {
  client: clientStep,
  topic: topicStep,
  after: timeStep,
});

function doesOneThing(actions: readonly string[]) {
  return (given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const found = actions.filter((action) => given[action] !== undefined);
    if (found.length === 1) return;
    const which = found.length === 0 ? 'nothing' : `${found.length} things: ${found.join(', ')}`;
    const message = `a step does one of ${actions.join(', ')}, and this does ${which}`;
    context.addIssue({ code: 'custom', message, input: given });
  };
}

function expectation(client: string, expect: ExpectedList | Ending): Step {
  if (typeof expect === 'string' || isList(expect)) return { kind: 'frames', client, expected: expect };
  const { close, refused = 0 } = expect;
  return close === undefined ? { kind: 'refused', client, status: refused } : { kind: 'closed', client, code: close };
}

function isList(expect: ExpectedList | Ending): expect is readonly Expected[] {
  return Array.isArray(expect);
}
