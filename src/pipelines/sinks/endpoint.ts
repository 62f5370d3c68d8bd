import { NEVER } from 'rxjs';
import { defineSink, z } from '../../sdk/index.ts';

export const endpointSink = defineSink({
  name: 'endpoint',
  summary: 'Every client that is connected to a WebSocket endpoint of this gateway.',
  config: z.string('expected the name of an endpoint'),
  examples: ['rooms'],
  reaches: 'clients',
  references: (name) => [{ to: 'endpoint', name, path: [] }],
  needs: ['endpoint'],
  create: (name, { gateway }) => {
    const endpoint = gateway.endpoint(name);
    return {
      open: async () => {},
      write: (batch) => endpoint.deliver(batch),
      idle: true,
      idle$: NEVER,
      close: async () => {},
    };
  },
});
