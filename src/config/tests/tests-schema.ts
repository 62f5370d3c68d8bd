import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { type FaultStep, faultStep, forallSchema } from '../schema/forall-schema.ts';
import { holdSchema } from '../schema/hold-schema.ts';
import { byKey } from './forms.ts';
import { expectedList, expectedMessage, type GivenMessage, messageSchema } from './message-schema.ts';
import { type Step, stepSchema } from './step-schema.ts';

const RESULTS = ['json', 'text', 'error'] as const;

/** What a processor with a label does in a test in place of its work. */
const mock = z
  .strictObject({
    json: z
      .unknown()
      .optional()
      .describe('Fields that are set in a payload that is an object, the others stay; any other value is the payload.'),
    text: z.string().optional().describe('The payload as text.'),
    error: z.string().min(1).optional().describe('The message fails with this error.'),
  })
  .superRefine((given, context) => {
    const results = RESULTS.filter((result) => given[result] !== undefined);
    if (results.length === 1 || context.issues.length > 0) return;
    const which = results.length === 0 ? 'none of them' : results.join(' and ');
    const message = `a mock gives one of ${RESULTS.join(', ')}, and this gives ${which}`;
    context.addIssue({ code: 'custom', message, input: given });
  });

const common = {
  name: z
    .string('expected a name: what is promised, in words')
    .min(1, 'expected a name')
    .describe('What is promised, in words.'),
  mocks: z
    .record(z.string(), mock)
    .prefault({})
    .describe('What processors do in this test in place of their work, by their labels.'),
};

const inputStep = byKey<InputStep>(
  'expected a message with json, text or base64, { after: duration } or { fault: NAME }',
  {
    after: z.strictObject({ after: field.duration().describe('Time that goes by.') }),
    fault: z.strictObject({ fault: faultStep }),
    json: messageSchema,
    text: messageSchema,
    base64: messageSchema,
  },
);
export type InputStep = { readonly after: number } | { readonly fault: FaultStep } | GivenMessage;

const ofPipeline = z
  .strictObject({
    ...common,
    pipeline: z.string().describe('Pipeline that is tested.'),
    input: z
      .array(inputStep)
      .min(1, 'expected at least one message')
      .optional()
      .describe('Messages that its source gives, with time and faults between them.'),
    output: z
      .record(z.string(), expectedList(expectedMessage))
      .optional()
      .describe(
        'What is written, by topic, endpoint or sink: all messages in their order, [] for none, "*" for any. Outputs of the pipeline that are not named get nothing.',
      ),
    forall: forallSchema.optional(),
    hold: holdSchema.optional(),
  })
  .superRefine((given, context) => {
    const mistake = context.issues.length > 0 ? undefined : pipelineMistake(given);
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake, input: given });
  });

function pipelineMistake({ input, forall, output, hold }: Partial<PipelineTest>): string | undefined {
  if (input !== undefined && forall !== undefined) return 'has input and forall; a test has one of them';
  if (forall !== undefined) {
    if (output !== undefined) return 'has forall and output; what is expected of drawn messages is said by hold';
    return hold === undefined ? 'can never fail, as it holds nothing; add hold: [ no_loss ]' : undefined;
  }
  if (input === undefined) return 'has no messages; add input: [ { json: ... } ], or forall';
  if (hold !== undefined || canFail(output)) return undefined;
  return 'can never fail, as it expects nothing; add output: { TOPIC: [ { json: ... } ] }, or { TOPIC: [] } if nothing may be written';
}

function canFail(output: PipelineTest['output'] = {}): boolean {
  return Object.values(output).some((list) => list !== '*');
}

const ofEndpoint = z
  .strictObject({
    ...common,
    endpoint: z.string().describe('Endpoint that is tested.'),
    steps: z
      .array(stepSchema)
      .min(1, 'expected at least one step')
      .describe('What clients, topics and the clock do, one thing behind the other.'),
  })
  .superRefine(({ steps }, context) => {
    if (context.issues.length > 0 || steps.some(isExpectation)) return;
    const message = 'can never fail, as no step expects anything; add { client: NAME, expect: [ ... ] }';
    context.addIssue({ code: 'custom', message, input: steps });
  });

function isExpectation(step: Step): boolean {
  if (step.kind === 'closed' || step.kind === 'refused') return true;
  return (step.kind === 'frames' || step.kind === 'records') && step.expected !== '*';
}

/** A test of a pipeline: messages in, messages out. */
export type PipelineTest = z.output<typeof ofPipeline>;
/** A test of an endpoint: frames in, frames out. */
export type EndpointTest = z.output<typeof ofEndpoint>;
export type TestCase = PipelineTest | EndpointTest;

const testCase = byKey<TestCase>('expected a test with pipeline, input and output, or with endpoint and steps', {
  endpoint: ofEndpoint,
  pipeline: ofPipeline,
});

/** `tests:` of a file. */
export const testsSchema = z
  .array(testCase, 'expected a list of tests')
  .describe('Tests of this file, which `tidegate test` runs; a gateway does not read them.');

export function isEndpointTest(test: TestCase): test is EndpointTest {
  return 'endpoint' in test;
}
