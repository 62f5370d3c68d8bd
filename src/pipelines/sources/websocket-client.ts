import {
  defineSource,
  field,
  openingTemplate,
  remoteShape,
  remoteUrl,
  template,
  valuelessUses,
  z,
} from '../../sdk/index.ts';

const urls = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z
    .array(remoteUrl())
    .min(1, 'name at least one URL')
    .meta({ type: ['array', 'string'] }),
);

const buffer = z.strictObject({
  messages: field.integer({ min: 1 }).prefault(10_000).describe('Most messages.'),
  bytes: field.size().prefault('16MiB').describe('Most bytes.'),
});

const resume = z.strictObject({
  cursor: field
    .expression()
    .describe(
      'Where a message stands in the feed, such as "${! json.seq }"; a message without a value is passed over.',
    ),
  message: openingTemplate()
    .optional()
    .describe(
      'Sent behind the messages of `subscribe` once there is a cursor, which is `${! meta.cursor }` here and in those.',
    ),
  topic: field
    .plainText()
    .min(1)
    .prefault('_tidegate.cursors')
    .describe('Compacted topic that keeps the cursor across restarts; created where it is missing.'),
});

const dedupe = z.strictObject({
  id: field.expression().describe('What tells a message from all others, such as "${! json.id }".'),
  window: field
    .integer({ min: 1, max: 10_000_000 })
    .prefault(10_000)
    .describe('How many ids are remembered at most. They are not kept across a restart.'),
  within: field
    .duration()
    .prefault('10m')
    .describe(
      'How long an id is remembered at most, from the message that had it first; 0s for as long as it is in the window.',
    ),
});

const gap = z.strictObject({
  record: field
    .boolean()
    .prefault(false)
    .describe('Whether a message with the header `tidegate-gap` goes through the pipeline before what comes next.'),
  topic: field.plainText().min(1).optional().describe('Topic that gets such a record of its own.'),
});

export const websocketClientSource = defineSource({
  name: 'websocket_client',
  summary: 'The messages of WebSocket servers out there: the gateway dials them, and dials again when it has to.',
  config: z
    .strictObject({
      url: urls.describe(
        'Server, ws:// or wss://; a list: each of them is a connection of its own. `${! meta.token }` and `${! meta.cursor }` are filled in at each connect, percent-encoded; a parameter of the query without its value is left out.',
      ),
      ...remoteShape,
      overflow: z
        .enum(['pause', 'drop_oldest', 'drop_newest'])
        .prefault('pause')
        .describe(
          'What happens while the pipeline holds. pause: the socket is not read, so that TCP slows the server down; else what does not fit in `buffer` is dropped, counted and logged.',
        ),
      buffer: buffer.prefault({}).describe('What is kept while the pipeline holds, unless `overflow` is pause.'),
      resume: resume.optional().describe('Goes on where it was, with a feed that can.'),
      dedupe: dedupe.optional().describe('Drops messages that came before.'),
      ack: z
        .strictObject({
          message: template().describe(
            'The answer, such as \'{"ack":${! json.id }}\'; none where one of its values is missing.',
          ),
        })
        .optional()
        .describe('Answers a message once its record is settled, in the order of the messages.'),
      gap: gap
        .optional()
        .describe('Records of the times in which nothing was received. A metric and a log line tell of them anyway.'),
    })
    .superRefine(({ url, ...settings }, context) => {
      for (const use of valuelessUses(url, settings, '${! meta.cursor } has no value without resume'))
        context.addIssue({ code: 'custom', ...use });
    }),
  examples: [
    { url: 'wss://feed.example.com/trades', subscribe: ['{"op":"subscribe","channel":"trades"}'] },
    {
      url: 'wss://feed.example.com/orders',
      auth: { token_file: '/run/secrets/feed-token' },
      subscribe: [{ send: { op: 'subscribe', channel: 'orders' }, expect: { event: 'subscribed' } }],
      resume: { cursor: '${! json.seq }', message: { op: 'replay', after: '${! meta.cursor }' } },
      dedupe: { id: '${! json.id }' },
    },
  ],
  sharing: () => 'own',
  meta: ['url', 'binary', 'gap'],
  references: ({ gap }) => (gap?.topic === undefined ? [] : [{ to: 'topic', name: gap.topic, path: ['gap', 'topic'] }]),
  create: (settings, { gateway }) => gateway.feed(settings),
});
