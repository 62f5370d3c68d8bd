import {
  type ContextWith,
  Draft,
  defineProcessor,
  evaluateTemplate,
  type FieldPath,
  field,
  isJsonObject,
  type Message,
  parseAsWritten,
  type TemplateValue,
  TidegateError,
  together,
  z,
} from '../../../sdk/index.ts';
import { jsonObjectOf } from '../json-object.ts';
import { FileTable, fileSettings } from './file-table.ts';
import { httpSettings } from './http-settings.ts';
import { HttpTable } from './http-table.ts';
import type { Found, Table } from './table.ts';
import { TopicTable, topicSettings } from './topic-table.ts';

const KINDS = ['topic', 'file', 'http'] as const;

const settings = z
  .strictObject({
    key: field
      .expression()
      .optional()
      .describe('Key in the topic or file, as text. Without a value it is a miss. With http it is in the URL or body.'),
    topic: topicSettings.optional().describe('A compacted topic as a table.'),
    file: fileSettings.optional().describe('A CSV or JSON file.'),
    http: httpSettings.optional().describe('A request to an HTTP server.'),
    into: field
      .path()
      .optional()
      .describe(
        'Path at which the value is put. Left out: the fields of the value, which must be an object, are set in the payload itself, in place of those with the same names.',
      ),
    on_miss: z
      .union(
        [
          z.enum(['keep', 'fail', 'filter']),
          z
            .strictObject({ default: field.value().describe('The value, with `"${! }"` for one of the message.') })
            .refine((miss) => miss.default !== undefined, 'says no value; write { default: ... }'),
        ],
        'expected keep, fail, filter or { default: ... }',
      )
      .default('keep')
      .describe(
        'What becomes of a message for which nothing is found: it goes on as it came, fails, ends here, or gets `{ default: ... }`.',
      ),
  })
  .superRefine((given, context) => {
    const kinds = KINDS.filter((kind) => given[kind] !== undefined);
    const mistake = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
    if (kinds.length !== 1) mistake('give one of topic, file and http: where values are found');
    else if (kinds[0] === 'http' && given.key !== undefined)
      mistake(
        'is for topic and file; with http write it in url or body, such as "https://host/users/${! json.user }"',
        ['key'],
      );
    else if (kinds[0] !== 'http' && given.key === undefined)
      mistake(`${kinds[0]} needs key, such as "\${! json.user }"`);
  });

type Settings = z.output<typeof settings>;

export const lookup = defineProcessor({
  name: 'lookup',
  summary: 'Adds to a message what a table says about its key: a compacted topic, a file, or an HTTP server.',
  description:
    'See [lookups](../lookups.md) for what each kind promises. The payload must be a JSON object, and numbers of what is found keep all their digits. A record without a value passes.',
  config: settings,
  failures: [
    'The payload is not a JSON object, or `into` leads through text, a number or null; a miss with `keep` does not look at it.',
    'What was found is not JSON, or is not an object and there is no `into`.',
    'Nothing is found, with `on_miss: fail`.',
    'The table of a topic is full, and the key is not in it (TG_STATE_FULL).',
    'The HTTP server refuses the request, or its answer is too large or not JSON. A server that is away is tried again (TG_PROCESSOR_BUSY).',
  ],
  examples: [
    {
      title: 'A row of a CSV file',
      config: { key: '${! json.page }', file: { path: 'config/examples/pages.csv', key: 'page' }, into: 'info' },
      input: '{"page":"home","id":9007199254740993}',
      output: '{"page":"home","id":9007199254740993,"info":{"page":"home","section":"start","owner":"web"}}',
    },
    {
      title: 'A default for what is not in the table',
      config: {
        key: '${! json.page }',
        file: { path: 'config/examples/pages.csv', key: 'page' },
        on_miss: { default: { section: 'other' } },
      },
      input: '{"page":"nowhere"}',
      output: '{"page":"nowhere","section":"other"}',
    },
    {
      title: 'A message without a key is a miss',
      config: { key: '${! json.user }', topic: { name: 'users' }, into: 'user', on_miss: 'fail' },
      input: '{"page":"home"}',
      output: { error: 'TG_PROCESSOR_FAILED: nothing was found' },
    },
    {
      title: 'A request for each user that is not in the cache',
      config: {
        http: {
          url: 'https://crm.example.org/users/${! json.user }',
          headers: { authorization: 'Bearer ${CRM_TOKEN:secret}' },
          cache: { ttl: '5m' },
        },
        into: 'user',
        on_miss: 'filter',
      },
      input: '{"page":"home"}',
      output: null,
    },
  ],
  references: ({ topic }) =>
    topic === undefined ? [] : [{ to: 'topic', name: topic.name, path: ['topic', 'name'], isTable: true }],
  memory: ({ topic, file, http }) => topic?.bytes ?? (file === undefined ? (http?.cache.bytes ?? 0) : 2 * file.bytes),
  needs: ['follow'],
  create: (given, context) => {
    const table = tableOf(given, context);
    const place = { place: context.path };
    const found = context.stats.counter('tidegate_lookup_found_total', place);
    const missed = context.stats.counter('tidegate_lookup_missed_total', place);
    const use = (message: Message, value: Found) => {
      (value === undefined ? missed : found).value += 1;
      return value === undefined ? missing(message, given) : insert(message, parsed(value), given.into);
    };
    const { concurrency } = table;
    return {
      ...(concurrency === undefined ? {} : { concurrency }),
      open: () => table.open(),
      process: (message) => {
        if (message.isTombstone) return message;
        const value = table.find(message);
        return value instanceof Promise ? value.then((text) => use(message, text)) : use(message, value);
      },
      close: () => table.close(),
    };
  },
});

function tableOf({ key, topic, file, http }: Settings, context: ContextWith<'follow'>): Table {
  if (http !== undefined) return new HttpTable(http, context);
  // The schema wants a key and one of the two otherwise.
  if (topic !== undefined && key !== undefined) return new TopicTable(topic, key, context);
  if (file !== undefined && key !== undefined) return new FileTable(file, key, context);
  throw new TidegateError('TG_CONFIG_INVALID', `${context.path}: give one of topic, file and http`);
}

function missing(message: Message, { on_miss, into }: Settings) {
  if (on_miss === 'keep') return message;
  if (on_miss === 'filter') return null;
  if (on_miss === 'fail') throw new TidegateError('TG_PROCESSOR_FAILED', 'nothing was found, and on_miss is fail');
  return withDefault(message, on_miss.default, into);
}

function withDefault(message: Message, value: TemplateValue, into: FieldPath | undefined) {
  return together([evaluateTemplate(value, message)], ([made]) => insert(message, made ?? null, into));
}

function insert(message: Message, value: unknown, into: FieldPath | undefined): Message {
  const json = jsonObjectOf(message);
  if (into === undefined) {
    if (isJsonObject(value)) return message.derive({ json: { ...json, ...value } });
    throw new TidegateError('TG_PROCESSOR_FAILED', 'what was found is not a JSON object; say with into where it goes');
  }
  const draft = new Draft(json);
  draft.set(into, value);
  return message.derive({ json: draft.root });
}

function parsed(text: string): unknown {
  try {
    return parseAsWritten(text);
  } catch (error) {
    const why = 'what was found is not JSON; with as: text it becomes a JSON string';
    throw new TidegateError('TG_PROCESSOR_FAILED', why, error);
  }
}
