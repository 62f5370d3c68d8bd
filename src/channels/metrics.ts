import type { Counter, Stats } from '../telemetry/stats.ts';

/** What becomes of a record for a channel. */
const RESULTS = ['delivered', 'no_subscriber', 'missing', 'invalid'] as const;
/** Why a client is not subscribed to what it asks for, or why its subscription ends. */
const REFUSALS = ['not_allowed', 'limit', 'invalid', 'not_subscribed', 'revoked', 'unavailable'] as const;

export type RefusalReason = (typeof REFUSALS)[number];

export interface ChannelMetrics {
  readonly records: Readonly<Record<(typeof RESULTS)[number], Counter>>;
  readonly refused: Readonly<Record<RefusalReason, Counter>>;
}

export function channelMetrics(
  stats: Stats,
  endpoint: string,
  gauges: { readonly channels: () => number; readonly subscriptions: () => number },
): ChannelMetrics {
  const labels = { endpoint };
  stats.gauge('tidegate_channels', labels, gauges.channels);
  stats.gauge('tidegate_channel_subscriptions', labels, gauges.subscriptions);
  const records = RESULTS.map((result) => [
    result,
    stats.counter('tidegate_channel_records_total', { endpoint, result }),
  ]);
  const refused = REFUSALS.map((reason) => [
    reason,
    stats.counter('tidegate_channel_refusals_total', { endpoint, reason }),
  ]);
  return { records: Object.fromEntries(records), refused: Object.fromEntries(refused) };
}
