import { NEVER } from 'rxjs';
import { defineSink, z } from '../../sdk/index.ts';

export const dropSink = defineSink({
  name: 'drop',
  summary: 'Nowhere: messages end here and count as done.',
  description: 'The client that sent it receives `filtered`. For the last entry of a `route`, and for measuring.',
  config: z.strictObject({}),
  examples: [{}],
  reaches: 'process',
  create: () => ({
    open: async () => {},
    write: ({ messages }) => {
      for (const message of messages) message.ack('filtered');
    },
    idle: true,
    idle$: NEVER,
    close: async () => {},
  }),
});
