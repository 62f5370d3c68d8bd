import { defineSink } from '../sdk/index.ts';
import { REMOTE_SINK_NEEDS } from './context/feed-context.ts';
import { withRemoteScope } from './context/log-scope.ts';
import { sinkSettings } from './settings/sink-settings.ts';
import { RemoteSink } from './sink/remote-sink.ts';

export const websocketClientSink = defineSink({
  name: 'websocket_client',
  summary: 'A WebSocket server that receives each record as one message; while it is unreachable, the pipeline waits.',
  config: sinkSettings,
  examples: [
    { url: 'wss://partner.example.com/orders', auth: { token_file: '/run/secrets/partner-token' }, confirm: 'pong' },
  ],
  reaches: 'records',
  needs: REMOTE_SINK_NEEDS,
  create: (settings, context) => new RemoteSink(settings, withRemoteScope(context)),
});
