import { field, matcher, mistakenUses, rejectMatcher, remoteShape, remoteUrl, z } from '../../sdk/index.ts';

const replies = z.strictObject({
  record: field.pathExpression().describe('What tells a record from others, such as "${! json.id }".'),
  reply: field.pathExpression().describe('The same in the reply of the server, such as "${! json.reply_to }".'),
  expect: matcher().optional().describe('Which messages with it are replies; by default all.'),
  reject: rejectMatcher()
    .optional()
    .describe('Replies by which the server refuses the record, which fails then. It is checked before `expect`.'),
  timeout: field.duration().prefault('10s').describe('Longest wait for a reply; then the record is sent again.'),
  tries: field
    .integer({ min: 1, max: 1_000 })
    .prefault(3)
    .describe('How often a record is sent on a connection without a reply; then it fails.'),
});

/** How records are sent to a server. */
export const sinkSettings = z
  .strictObject({
    url: remoteUrl().describe(
      'Server, ws:// or wss://. `${! meta.token }` is filled in at each connect, percent-encoded; a query parameter whose value is missing is left out.',
    ),
    ...remoteShape,
    frame: z
      .enum(['text', 'binary', 'as_is'])
      .prefault('text')
      .describe(
        'How payloads are sent. text: a payload that is not UTF-8 fails. as_is: as text, but as binary what is not UTF-8 and what came from a WebSocket server as binary (`meta.binary`).',
      ),
    confirm: z
      .enum(['written', 'pong', 'reply'])
      .prefault('written')
      .describe(
        'When a record is done. written: the operating system has it, and may still lose it with the connection. pong: the server has answered a ping that was sent after it; unconfirmed records are sent again after a reconnect. reply: the server has replied to it as `replies` says; records without a reply are sent again after a reconnect, too.',
      ),
    replies: replies.optional().describe('How the server replies to a record, for `confirm: reply`.'),
    tombstones: z
      .enum(['skip', 'send'])
      .prefault('skip')
      .describe(
        'What to do with records without a value (`meta.tombstone`). skip: they count as done and are not sent. send: each is sent as an empty message.',
      ),
  })
  .superRefine(({ confirm, replies }, context) => {
    if ((confirm === 'reply') === (replies !== undefined)) return;
    const message = 'confirm: reply and replies need each other; set both, or neither';
    // At the one that is set, so that a connector can name it.
    context.addIssue({ code: 'custom', path: [replies === undefined ? 'confirm' : 'replies'], message });
  })
  .superRefine(({ url, ...settings }, context) => {
    for (const use of mistakenUses([url], settings, '${! meta.cursor } has no value in a sink'))
      context.addIssue({ code: 'custom', ...use });
  });

export type RemoteSinkSettings = z.output<typeof sinkSettings>;
