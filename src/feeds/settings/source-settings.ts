import {
  field,
  mistakenUses,
  openingTemplate,
  overlappingReconnect,
  remoteShape,
  remoteUrl,
  template,
  z,
} from '../../sdk/index.ts';
import { sequenceSettings } from './sequence-settings.ts';
import { shardSettings } from './shard-settings.ts';

const urls = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z
    .array(remoteUrl())
    .min(1, 'name at least one URL')
    .meta({ type: ['array', 'string'] }),
);

const buffer = z.strictObject({
  messages: field.integer({ min: 1 }).prefault(10_000).describe('Maximum number of messages.'),
  bytes: field.size().prefault('16MiB').describe('Maximum number of bytes.'),
});

const resume = z.strictObject({
  cursor: field
    .expression()
    .describe('The position of a message in the feed, such as "${! json.seq }"; a message without a value is ignored.'),
  message: openingTemplate()
    .optional()
    .describe(
      'Sent after the messages of `subscribe` if there is a cursor; it and those messages can use `${! meta.cursor }`.',
    ),
  topic: field
    .plainText()
    .min(1)
    .prefault('_tidegate.cursors')
    .describe('Compacted topic that keeps the cursor across restarts; created if it is missing.'),
});

const dedupe = z.strictObject({
  id: field.expression().describe('What identifies a message, such as "${! json.id }".'),
  window: field
    .integer({ min: 1, max: 10_000_000 })
    .prefault(10_000)
    .describe('Maximum number of ids to remember. They are not kept across a restart.'),
  within: field
    .duration()
    .prefault('10m')
    .describe(
      'How long an id is remembered, counted from the first message that has it; 0s for as long as it is in the window.',
    ),
});

const ack = z.strictObject({
  message: template(['url', 'binary']).describe(
    'The answer, such as \'{"ack":${! json.id }}\'; no answer is sent if one of its values is missing. It can use the message, and what `subscribe` can use.',
  ),
});

const gap = z.strictObject({
  record: field
    .boolean()
    .prefault(false)
    .describe(
      'Whether a message with the header `tidegate-gap` goes through the pipeline before the next message of the feed.',
    ),
  topic: field.plainText().min(1).optional().describe('Topic to which a record of the gap is written.'),
});

/** How a feed is read: its servers, and what is done with their messages. */
export const sourceSettings = z
  .strictObject({
    url: urls.describe(
      'Server, ws:// or wss://; a list of servers has one connection each. `${! meta.token }` and `${! meta.cursor }` are filled in at each connect, percent-encoded; a query parameter whose value is missing is left out.',
    ),
    ...remoteShape,
    reconnect: overlappingReconnect()
      .prefault({})
      .describe('What to do when the connection is lost, and when a new one replaces it.'),
    overflow: z
      .enum(['pause', 'drop_oldest', 'drop_newest'])
      .prefault('pause')
      .describe(
        'What to do while the pipeline is congested. pause: the socket is not read, so that TCP slows the server down; otherwise messages that do not fit in `buffer` are dropped, counted and logged.',
      ),
    buffer: buffer
      .prefault({})
      .describe('Messages to keep while the pipeline is congested, unless `overflow` is pause.'),
    resume: resume.optional().describe('Asks the server to continue after the last message that was received.'),
    dedupe: dedupe.optional().describe('Drops messages that were received before.'),
    ack: ack.optional().describe('Answers a message once its record is settled, in the order of the messages.'),
    gap: gap
      .optional()
      .describe(
        'Records of the times in which nothing was received, and of gaps in sequences. Metrics and log lines report them in any case.',
      ),
    shards: shardSettings
      .optional()
      .describe(
        'Spreads symbols over several connections. A message of `subscribe` that uses `${! meta.shard.symbols }` is sent for those of its connection, and again for new ones.',
      ),
    sequence: sequenceSettings
      .optional()
      .describe('Finds messages that are missing by their numbers, and reports them as gaps.'),
  })
  .superRefine(({ url, ...settings }, context) => {
    for (const use of mistakenUses(url, settings, '${! meta.cursor } has no value without resume'))
      context.addIssue({ code: 'custom', ...use });
    refuseDuplicates(settings, context);
  });

/** Both connections of an overlap receive the same messages. */
function refuseDuplicates(
  {
    reconnect,
    dedupe,
    resume,
    ack,
  }: { reconnect: { overlap?: unknown }; dedupe?: unknown; resume?: unknown; ack?: unknown },
  context: z.RefinementCtx,
): void {
  if (reconnect.overlap === undefined || dedupe !== undefined) return;
  const mistaken = (message: string) => context.addIssue({ code: 'custom', path: ['reconnect', 'overlap'], message });
  if (resume === undefined)
    mistaken('both connections receive the same messages, which would be stored twice; set dedupe or resume, too');
  else if (ack !== undefined)
    mistaken('a message that both connections receive is answered on both only with dedupe; set it, too');
}

export type FeedSettings = z.output<typeof sourceSettings>;
