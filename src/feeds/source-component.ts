import { defineSource } from '../sdk/index.ts';
import { FEED_NEEDS } from './context/feed-context.ts';
import { withRemoteScope } from './context/log-scope.ts';
import { sourceSettings } from './settings/source-settings.ts';
import { Feed } from './source/feed.ts';

export const websocketClientSource = defineSource({
  name: 'websocket_client',
  summary: 'The messages of WebSocket servers: the gateway connects to them and reconnects until it succeeds.',
  config: sourceSettings,
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
  references: ({ gap, shards }) => [
    ...(gap?.topic === undefined ? [] : [{ to: 'topic' as const, name: gap.topic, path: ['gap', 'topic'] }]),
    ...(shards?.topic === undefined
      ? []
      : [{ to: 'topic' as const, name: shards.topic.name, path: ['shards', 'topic', 'name'], isTable: true }]),
  ],
  internalTopics: ({ resume }) => (resume === undefined ? [] : [resume.topic]),
  needs: FEED_NEEDS,
  create: (settings, context) => new Feed(settings, withRemoteScope(context)),
});
