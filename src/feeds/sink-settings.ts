import { mistakenUses, remoteShape, remoteUrl, z } from '../sdk/index.ts';

/** How records are sent to a server. */
export const sinkSettings = z
  .strictObject({
    url: remoteUrl().describe(
      'Server, ws:// or wss://. `${! meta.token }` is filled in at each connect, percent-encoded; a query parameter whose value is missing is left out.',
    ),
    ...remoteShape,
    frame: z.enum(['text', 'binary']).prefault('text').describe('How payloads are sent; text must be UTF-8.'),
    confirm: z
      .enum(['written', 'pong'])
      .prefault('written')
      .describe(
        'When a record is done. written: the operating system has it, and may still lose it with the connection. pong: the server has answered a ping that was sent after it; unconfirmed records are sent again after a reconnect.',
      ),
    tombstones: z
      .enum(['skip', 'send'])
      .prefault('skip')
      .describe(
        'What to do with records without a value (`meta.tombstone`). skip: they count as done and are not sent. send: each is sent as an empty message.',
      ),
  })
  .superRefine(({ url, ...settings }, context) => {
    for (const use of mistakenUses([url], settings, '${! meta.cursor } has no value in a sink'))
      context.addIssue({ code: 'custom', ...use });
  });

export type RemoteSinkSettings = z.output<typeof sinkSettings>;
