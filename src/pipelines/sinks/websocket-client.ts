import { defineSink, remoteShape, remoteUrl, valuelessUses, z } from '../../sdk/index.ts';

export const websocketClientSink = defineSink({
  name: 'websocket_client',
  summary: 'A WebSocket server out there, which gets each record as one message; while it is away, the pipeline waits.',
  config: z
    .strictObject({
      url: remoteUrl().describe(
        'Server, ws:// or wss://. `${! meta.token }` is filled in at each connect, percent-encoded; a parameter of the query without its value is left out.',
      ),
      ...remoteShape,
      frame: z.enum(['text', 'binary']).prefault('text').describe('How payloads are sent; text has to be UTF-8.'),
      confirm: z
        .enum(['written', 'pong'])
        .prefault('written')
        .describe(
          'When a record is done. written: the operating system has it, and may still lose it with the connection. pong: the server has answered a ping that was sent behind it; what was not confirmed is sent again after a reconnect.',
        ),
      tombstones: z
        .enum(['skip', 'send'])
        .prefault('skip')
        .describe(
          'What happens to records without a value (`meta.tombstone`). skip: they count as done and are not sent. send: each is an empty message.',
        ),
    })
    .superRefine(({ url, ...settings }, context) => {
      for (const use of valuelessUses([url], settings, '${! meta.cursor } has no value in a sink'))
        context.addIssue({ code: 'custom', ...use });
    }),
  examples: [
    { url: 'wss://partner.example.com/orders', auth: { token_file: '/run/secrets/partner-token' }, confirm: 'pong' },
  ],
  reaches: 'records',
  create: (settings, { gateway }) => gateway.remote(settings),
});
