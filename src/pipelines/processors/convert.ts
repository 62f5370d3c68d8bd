import { defineProcessor, JsonPath, type Message, TidegateError, z } from '../../sdk/index.ts';

/** As org.apache.kafka.connect.json.JsonConverter has it for a text. */
const TEXT_SCHEMA = '{"type":"string","optional":false}';

const WHOLE = new JsonPath([]);
const WITHIN_ENVELOPE = new JsonPath(['payload']);

const FORMS = {
  json: (message: Message) => {
    void message.plainJson;
    return message;
  },
  to_json_string: (message: Message) => message.derive({ payload: Buffer.from(JSON.stringify(message.text)) }),
  to_json_with_schema: (message: Message) =>
    message.derive({ payload: Buffer.from(`{"schema":${TEXT_SCHEMA},"payload":${JSON.stringify(message.text)}}`) }),
  from_json_string: (message: Message) => message.derive({ payload: textOf(message.plainJson, WHOLE, message) }),
  from_json_with_schema: (message: Message) => {
    const envelope = message.plainJson;
    if (typeof envelope !== 'object' || envelope === null || !('payload' in envelope) || !('schema' in envelope))
      throw new TidegateError('TG_MESSAGE_INVALID', 'the payload has no "schema" and "payload"');
    return message.derive({ payload: textOf(envelope.payload, WITHIN_ENVELOPE, message) });
  },
} as const;

export const convert = defineProcessor({
  name: 'convert',
  summary: 'Checks that a payload is JSON, or changes it as a converter of Kafka Connect would.',
  config: z
    .enum(['json', 'to_json_string', 'to_json_with_schema', 'from_json_string', 'from_json_with_schema'])
    .describe(
      'json: the payload stays as it is, and what is not JSON fails. to_...: the payload as a JSON string, by itself or with its schema beside it. from_...: the way back; what is no string stays JSON.',
    ),
  failures: [
    'The payload is not JSON, other than with `to_...`.',
    'from_json_with_schema: it has no `schema` and `payload`.',
  ],
  examples: [
    { title: 'Check that it is JSON', config: 'json', input: '{"id": 1}', output: '{"id": 1}' },
    {
      title: 'What is not JSON fails',
      config: 'json',
      input: '{"id": }',
      output: { error: 'TG_MESSAGE_INVALID: the payload is not JSON' },
    },
    {
      title: 'A text with its schema, as JsonConverter writes it',
      config: 'to_json_with_schema',
      input: 'hello',
      output: '{"schema":{"type":"string","optional":false},"payload":"hello"}',
    },
  ],
  // As in Kafka Connect, a record without a value has none in any form.
  create: (form) => ({ process: (message) => (message.isTombstone ? message : FORMS[form](message)) }),
});

/** What is not a string stays the JSON that came, with every digit. */
function textOf(value: unknown, path: JsonPath, message: Message): Buffer {
  return Buffer.from(typeof value === 'string' ? value : (path.textIn(message.payload) ?? ''));
}
