import { field, tlsSettings, z } from '../../../sdk/index.ts';

const auth = z
  .strictObject({
    username: field.plainText().min(1).optional().describe('User of HTTP basic authentication.'),
    password: field.plainText().meta(field.SECRET).optional().describe('Its password.'),
    token: field
      .plainText()
      .min(1)
      .meta(field.SECRET)
      .optional()
      .describe('Bearer token, in place of user and password.'),
  })
  .transform((given, context) => {
    const { username, password, token } = given;
    if (token !== undefined && username === undefined && password === undefined) return { token };
    if (token === undefined && username !== undefined && password !== undefined) return { username, password };
    context.issues.push({ code: 'custom', message: 'give username and password, or token', input: given });
    return z.NEVER;
  });

const shape = {
  url: field
    .url({ schemes: ['http', 'https'], example: 'http://localhost:8081' })
    .min(1, 'expected a URL such as http://localhost:8081')
    .describe('Address of its API, such as http://localhost:8081. User and password belong in `auth`.'),
  auth: auth.optional().describe('How the gateway says who it is.'),
  tls: tlsSettings.optional().describe('Certificates for https://.'),
  timeout: field.duration().prefault('10s').describe('Longest time of a request.'),
};

/** The registry that schemas are read from. */
export const readingRegistry = z.strictObject(shape);

/** The same, with the subject to which schemas belong that are written. */
export const writingRegistry = z
  .strictObject({
    ...shape,
    register: field
      .boolean()
      .prefault(false)
      .describe(
        'Whether `schema` or `file` is registered under the subject; else the newest schema of the subject is used.',
      ),
    strategy: z
      .enum(['topic', 'record', 'topic_record'])
      .prefault('topic')
      .describe(
        'How the subject is called: TOPIC-value, RECORD, or TOPIC-RECORD, as the name strategies of Confluent.',
      ),
    topic: field.plainText().min(1).optional().describe('Name of the topic, for `topic` and `topic_record`.'),
    record: field
      .plainText()
      .min(1)
      .optional()
      .describe(
        'Full name of the record or message, for `record` and `topic_record`; that of a schema that is registered is known.',
      ),
    subject: field.plainText().min(1).optional().describe('The subject itself, in place of a strategy.'),
    refresh: field
      .duration()
      .prefault('10m')
      .describe('How long the newest schema of the subject is used before it is asked for again.'),
  })
  .superRefine(({ strategy, topic, subject }, context) => {
    if (subject !== undefined) return;
    if (strategy !== 'record' && topic === undefined)
      context.addIssue({
        code: 'custom',
        message: `the strategy ${strategy} needs "topic", the name of the topic`,
        input: topic,
      });
  });

export type ReadingRegistry = z.output<typeof readingRegistry>;
export type WritingRegistry = z.output<typeof writingRegistry>;

/** The subject; undefined where it needs the name of a record that is not known. */
export function subjectOf(settings: WritingRegistry, recordName: string | undefined): string | undefined {
  const { strategy, topic = '', subject, record = recordName } = settings;
  if (subject !== undefined) return subject;
  if (strategy === 'topic') return `${topic}-value`;
  if (record === undefined) return undefined;
  return strategy === 'record' ? record : `${topic}-${record}`;
}
