import { NEVER } from 'rxjs';
import { Batch, defineSink, type Expression, field, type Sink, z } from '../../sdk/index.ts';
import { type Channel, channelsOf } from './channel-names.ts';
import { Turns } from './turns.ts';

const endpointName = () => z.string('expected the name of an endpoint');

const channel = z.union(
  [field.expression(), z.array(field.expression()).min(1, 'expected at least one name')],
  'expected the name of a channel such as "symbol.${! key }", or a list of them',
);

const settings = z.union(
  [
    endpointName(),
    z.strictObject({
      name: endpointName().describe('Endpoint whose clients get the records.'),
      channel: channel
        .optional()
        .describe(
          'Channel of each record, a list of them, or an expression that gives one. Left out: all clients get it.',
        ),
    }),
  ],
  'expected the name of an endpoint, or { name, channel }',
);

export const endpointSink = defineSink({
  name: 'endpoint',
  summary: 'Clients that are connected to a WebSocket endpoint of this gateway: all of them, or those in a channel.',
  description:
    'With `channel`, only the clients that are in that [channel](../channels.md) get the record. A record for which it has no value, or a value that no channel can be called, goes to no client: it counts as done, its sender receives `filtered`, and `tidegate_channel_records_total` counts it as `missing` or `invalid`.',
  config: settings,
  failures: ['The codec fails on the record, or an expression of `channel` fails.'],
  examples: ['rooms', { name: 'prices', channel: 'symbol.${! key }' }],
  reaches: 'clients',
  references: (config) => [{ to: 'endpoint', name: nameIn(config), path: typeof config === 'string' ? [] : ['name'] }],
  channels: channelIn,
  needs: ['endpoint'],
  create: (config, { gateway }) => {
    const endpoint = gateway.endpoint(nameIn(config));
    const chosen = channelIn(config);
    const ends: Omit<Sink, 'write'> = { open: async () => {}, idle: true, idle$: NEVER, close: async () => {} };
    if (chosen === undefined) return { ...ends, write: (batch) => endpoint.deliver(batch) };
    const turns = new Turns();
    return {
      ...ends,
      write: ({ messages }) =>
        turns.take(channelsOf(chosen, messages), (ready) =>
          endpoint.publish(new Batch(ready.messages), ready.channels),
        ),
    };
  },
});

function nameIn(config: z.output<typeof settings>): string {
  return typeof config === 'string' ? config : config.name;
}

function channelIn(config: z.output<typeof settings>): Channel | undefined {
  if (typeof config === 'string' || config.channel === undefined) return undefined;
  return Array.isArray(config.channel) ? config.channel : [config.channel as Expression];
}
