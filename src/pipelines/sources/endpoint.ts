import { defineSource, z } from '../../sdk/index.ts';

export const endpointSource = defineSource({
  name: 'endpoint',
  summary: 'The messages that clients send to a WebSocket endpoint.',
  config: z.string('expected the name of an endpoint'),
  examples: ['rooms'],
  sharing: () => 'own',
  meta: ['client_id', 'endpoint', 'remote', 'query', 'headers', 'auth'],
  references: (name) => [{ to: 'endpoint', name, path: [] }],
  needs: ['endpoint'],
  create: (name, { gateway }) => {
    const endpoint = gateway.endpoint(name);
    return {
      batches$: endpoint.received$,
      open: async () => endpoint.resume(),
      pause: () => endpoint.pause(),
      resume: () => endpoint.resume(),
      close: async () => endpoint.pause(),
    };
  },
});
