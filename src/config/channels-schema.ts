import { z } from 'zod';
import * as field from '../sdk/fields.ts';
import { names } from './allow-schema.ts';
import { topicName } from './log-schema.ts';

const presence = z.strictObject({
  topic: topicName().describe(
    'A topic of these channels, or any other name. The clients in the channels are kept in _tidegate.<topic>.channels, which gateways and endpoints share.',
  ),
  lease: field
    .duration()
    .refine((milliseconds) => milliseconds >= 1_000, 'expected at least 1s')
    .prefault('10s')
    .describe('If a gateway is silent for this time, its clients are in no channel any more.'),
  max_listed: field
    .integer({ min: 0, max: 10_000 })
    .prefault(1_000)
    .describe('Most clients that the answer to one request lists. The counts are those of all.'),
  max_known: field
    .integer({ min: 1, max: 10_000_000 })
    .prefault(50_000)
    .describe(
      'Most subscriptions that are known, of all clients, channels and gateways. Further ones are in no count and no list.',
    ),
  announce: field
    .boolean()
    .prefault(true)
    .describe('Whether the subscribers of a channel hear of each client that joins or leaves it.'),
});

export const channels = z.strictObject({
  join: names().describe(
    'Channels that each connection is in from its handshake on, such as "user.${! auth.sub }" or "symbol.${! meta.symbol }". A client for which one of them has no value is refused. An expression alone may give a list of names.',
  ),
  max_per_connection: field
    .integer({ min: 1, max: 100_000 })
    .prefault(100)
    .describe('Most channels that one connection may be in, those of join included.'),
  presence: presence
    .optional()
    .describe('Clients can ask who is in their channels on all gateways, where the codec has frames for it.'),
});
