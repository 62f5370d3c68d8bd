import type { GroupTiming } from '../actors/consumer-group/shared-group.ts';
import type { GateLimits } from '../core/credit-gate.ts';
import type { Pacing } from './pacing.ts';

/** The section `topics` of an endpoint, by the names of the configuration. Times are in milliseconds. */
export interface TopicSettings {
  /** For subscriptions that name no group. */
  readonly group: string;
  /** For subscriptions that do not say where to begin. */
  readonly from: 'earliest' | 'latest';
  /** Topics of one subscription. */
  readonly max_topics: number;
  /** Topics that clients of one address may create in a minute. */
  readonly creates_per_minute: number;
  /** Groups in which this gateway is a consumer for its clients at a time. */
  readonly max_groups: number;
  /** Groups without a consumer of this gateway that clients of one address may join in a minute. */
  readonly groups_per_minute: number;
  /** In-flight messages of all clients together. */
  readonly in_flight: GateLimits;
  readonly publish: Pacing;
  readonly notify: Pacing;
  readonly session_timeout: GroupTiming['sessionTimeout'];
  readonly commit_interval: GroupTiming['commitInterval'];
  /** Whether subscriptions begin paused. */
  readonly paused: boolean;
}
