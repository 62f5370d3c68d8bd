import { TidegateError } from '../core/errors.ts';
import type { TopicSpec } from '../core/log.ts';

/** The limits for a topic that a client creates. */
export interface TopicMaxima {
  readonly partitions: number;
  readonly replication: number;
  /** By Kafka's names of settings; `retention.bytes` is for all partitions together. Other numeric settings are refused. */
  readonly config: Readonly<Record<string, number>>;
}

/** Throws TG_NOT_ALLOWED if a client asks for more than the limits of the operator. */
export function demandWithin({ name, partitions, replication, config = {} }: TopicSpec, maxima: TopicMaxima): void {
  within(name, 'partitions', partitions, maxima.partitions);
  within(name, 'replication', replication, maxima.replication);
  const allowed = new Map(Object.entries(maxima.config));
  demandRetention(name, config['cleanup.policy'], allowed);
  for (const [setting, text] of Object.entries(config)) {
    if (!isNumber(text)) continue;
    const most = allowed.get(setting);
    if (most === undefined) {
      const known = [...allowed.keys()].join(', ');
      throw refusal(name, `clients cannot set ${setting} here; the numeric settings that they may set are ${known}`);
    }
    const share = setting === 'retention.bytes' ? Math.floor(most / (partitions ?? 1)) : most;
    within(name, setting, Number(text), share);
  }
}

/** Logs delete by age and size only under the policy `delete`: without it, a topic whose keys all differ grows forever. */
function demandRetention(topic: string, policy: string | undefined, maxima: ReadonlyMap<string, number>): void {
  if (policy?.split(',').some((one) => one.trim() === 'delete') !== false) return;
  if (!maxima.has('retention.ms') && !maxima.has('retention.bytes')) return;
  const hint = policy.trim() === 'compact' ? '; write compact,delete' : '';
  throw refusal(
    topic,
    `cleanup.policy has to contain delete here, because the retention of clients' topics is limited${hint}`,
  );
}

/** A value below 0 means unlimited, for all settings of Kafka that allow it. */
function within(topic: string, what: string, value: number | undefined, most: number): void {
  if (value === undefined || (value >= 0 && value <= most)) return;
  throw refusal(topic, `${what} is at most ${most} here, not ${value < 0 ? 'unlimited' : value}`);
}

/** Any text that Kafka could read as a number. */
function isNumber(text: string): boolean {
  return text.trim() !== '' && !Number.isNaN(Number(text));
}

function refusal(topic: string, why: string): TidegateError {
  return new TidegateError('TG_NOT_ALLOWED', `creating the topic ${topic}: ${why}`);
}
