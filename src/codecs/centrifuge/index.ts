import { defineCodec, field, z } from '../../sdk/index.ts';
import { CentrifugeCodec } from './codec.ts';

export const centrifuge = defineCodec({
  name: 'centrifuge',
  summary: 'The JSON protocol of the client libraries of Centrifugo: subscriptions, publications, recovery.',
  config: z.strictObject({
    calls: field
      .boolean()
      .default(false)
      .describe(
        'Whether `rpc` and `send` are messages for the pipeline that reads the endpoint, the first with `meta.method`. They are refused with 108 where it is false.',
      ),
  }),
  examples: [{}, { calls: true }],
  introduces: true,
  resumes: true,
  meta: ['method'],
  subscribes: true,
  publishes: true,
  seesPresence: true,
  create: (settings) => new CentrifugeCodec(settings),
});
