import type { LossReason } from '../../core/channel-feed.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';

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

/**
 * Why a client does not get what it has missed, beside what the log says: it shows no position of the channel, or there is none;
 * or it is not kept any more, and the log is not read for it.
 */
const LOSSES = [
  ...(['epoch', 'future', 'expired', 'too_many', 'too_old', 'unavailable'] as const satisfies readonly LossReason[]),
  ...(['no_position', 'not_kept'] as const),
] as const;

export type LossLabel = (typeof LOSSES)[number];

/** What becomes of subscriptions with a position. */
export interface RecoveryMetrics {
  readonly recovered: Readonly<Record<'ring' | 'log', Counter>>;
  readonly lost: Readonly<Record<LossLabel, Counter>>;
}

export function historyMetrics(
  stats: Stats,
  endpoint: string,
  kept: { readonly size: number; readonly bytes: number },
): RecoveryMetrics {
  stats.gauge('tidegate_channel_history_channels', { endpoint }, () => kept.size);
  stats.gauge('tidegate_channel_history_bytes', { endpoint }, () => kept.bytes);
  const count = (result: string, reason: string) =>
    stats.counter('tidegate_channel_recoveries_total', { endpoint, result, reason });
  return {
    recovered: { ring: count('ring', ''), log: count('log', '') },
    lost: Object.fromEntries(LOSSES.map((reason) => [reason, count('lost', reason)])) as RecoveryMetrics['lost'],
  };
}
