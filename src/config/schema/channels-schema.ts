import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { names } from './allow-schema.ts';
import { topicName } from './log-schema.ts';

const someTime = () => field.duration().refine((milliseconds) => milliseconds > 0, 'expected more than 0s');

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

const history = z.strictObject({
  last: field
    .integer({ min: 1, max: 100_000 })
    .prefault(100)
    .describe('Most records that are kept of each channel, its newest ones.'),
  age: someTime()
    .optional()
    .describe('Records are kept for this time after their timestamp; without limit where it is left out.'),
  bytes: field
    .size()
    .prefault('16MiB')
    .describe(
      'Memory for all channels of the endpoint; what is kept of the channel that was used least recently goes first.',
    ),
  initial: field
    .integer({ max: 100_000 })
    .optional()
    .describe(
      'Records that a client receives when it comes into a channel without a position, at most: 1 where last is 1, else none.',
    ),
});

const recover = z.strictObject({
  records: field
    .integer({ min: 1, max: 100_000_000 })
    .prefault(100_000)
    .describe('Most records of a partition that are read again for one client.'),
  age: someTime().prefault('1d').describe('Clients that have missed older records are not recovered.'),
  concurrency: field
    .integer({ min: 1, max: 64 })
    .prefault(2)
    .describe('Most readers of a topic at once; each serves all clients that wait when it begins.'),
  timeout: someTime().prefault('3s').describe('Most time for one client.'),
});

export const channels = z.strictObject({
  join: names().describe(
    'Channels that each connection is in from its handshake on, such as "user.${! auth.sub }" or "symbol.${! meta.symbol }". A client for which one of them has no value is refused. An expression alone may give a list of names.',
  ),
  max_per_connection: field
    .integer({ min: 1, max: 100_000 })
    .prefault(100)
    .describe('Most channels that one connection may be in, those of join included.'),
  history: history
    .optional()
    .describe(
      'Earlier records of each channel are kept: clients that come back get those that they have missed, where channels have positions, and clients that come the newest ones.',
    ),
  recover: recover
    .optional()
    .describe(
      'Where the history of a channel is too short, the topic is read again. With it, history may be left out.',
    ),
  presence: presence
    .optional()
    .describe(
      'Clients can ask which clients are in their channels on all gateways, where the codec has frames for it.',
    ),
});

type Channels = z.output<typeof channels>;
export type ChannelHistorySettings = Required<Omit<z.output<typeof history>, 'age'>> & {
  readonly age?: number | undefined;
};

/** What is kept of channels, with what follows from other settings; undefined where nothing is, or an endpoint has none. */
export function channelHistoryOf(settings: Channels | undefined): ChannelHistorySettings | undefined {
  const kept = settings?.history ?? (settings?.recover && history.parse({}));
  return kept && { ...kept, initial: kept.initial ?? (kept.last === 1 ? 1 : 0) };
}
