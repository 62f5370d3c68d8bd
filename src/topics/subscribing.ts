import type { Groups } from '../actors/consumer-group/groups.ts';
import { DeliveryTime } from '../actors/delivery-time.ts';
import type { TopicClient } from '../actors/endpoint/topic-clients.ts';
import type { Clock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';
import { quoteValue } from '../core/quote.ts';
import type { SubscriptionRequest, TopicResult } from '../core/topic-request.ts';
import { isWithin, pause } from '../core/waiting.ts';
import type { HistogramRecorder } from '../telemetry/stats.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rights } from './rights.ts';
import type { TopicSettings } from './settings.ts';
import { Subscriber } from './subscriber.ts';
import type { TopicLooks } from './topic-looks.ts';
import type { Visit } from './visit.ts';

export interface SubscribingParts {
  readonly looks: TopicLooks;
  readonly groups: Pick<Groups, 'join' | 'has' | 'size'>;
  readonly rights: Rights;
  /** Seconds from a record's timestamp to its client. */
  readonly delivery: HistogramRecorder;
}

/** Milliseconds after which a request to join a group fails. */
const JOIN_TIMEOUT = 15_000;
/** Milliseconds between two looks for a topic that a client waits for. */
const LOOK_INTERVAL = 1_000;

/** Subscribes clients: as consumers in the groups that they name. */
export class Subscribing {
  private readonly clock: Clock;
  private readonly settings: TopicSettings;
  private readonly parts: SubscribingParts;
  private readonly newGroups: RateLimit;

  constructor(clock: Clock, settings: TopicSettings, parts: SubscribingParts) {
    this.clock = clock;
    this.settings = settings;
    this.parts = parts;
    this.newGroups = new RateLimit(settings.groups_per_minute, clock);
  }

  /**
   * Resolves when the client is in the group; its records begin with `begin` of the subscriber. An older subscription of
   * the client continues until this one can replace it. Rejects with TG_NOT_ALLOWED, TG_LIMIT_REACHED, TG_TOPIC_MISSING,
   * TG_GROUP_FAILED, and TG_NOT_SUBSCRIBED if a later request has ended it meanwhile.
   */
  async subscribe(visit: Visit, request: SubscriptionRequest): Promise<TopicResult> {
    const { clock, settings } = this;
    const { groups, delivery } = this.parts;
    const { notify, paused, session_timeout: sessionTimeout, commit_interval: commitInterval } = settings;
    const { group = settings.group, from = settings.from } = request;
    this.demand(visit, request, group);
    visit.turn += 1;
    const { turn } = visit;
    if (!(await this.exist(request, () => visit.turn === turn))) return overtaken();
    // It may have waited for a topic, and the client's permissions have changed meanwhile.
    this.demand(visit, request, group);
    this.admit(visit, group, request.topics);
    visit.subscriber?.leave();
    const time = new DeliveryTime(delivery, clock);
    const subscriber = new Subscriber(visit.client, { ...request, group }, notify, paused, clock, time);
    visit.subscriber = subscriber;
    const timing = { sessionTimeout, commitInterval };
    const handle = groups.join({ group, topics: request.topics, from, timing, consumer: subscriber });
    subscriber.join(handle);
    try {
      if (!(await isWithin(clock, JOIN_TIMEOUT, handle.live)))
        throw new TidegateError('TG_GROUP_FAILED', `the group ${group} cannot be joined at the moment; try again`);
    } catch (error) {
      if (visit.subscriber === subscriber) visit.unsubscribe();
      throw error;
    }
    // A later request that failed has changed nothing.
    return visit.subscriber === subscriber ? { type: 'subscribed', topics: request.topics } : overtaken();
  }

  /** Whether a client may still read the topics of its subscription, in its group. */
  mayContinue({ permissions }: TopicClient, { topics, groupName }: Subscriber): boolean {
    const { rights } = this.parts;
    return (
      topics.every((topic) => rights.has(permissions, 'read', topic)) && rights.has(permissions, 'groups', groupName)
    );
  }

  /** Each group costs this gateway a consumer and the log a record, and clients can invent as many names as they like. */
  private admit({ client: { address } }: Visit, group: string, topics: readonly string[]): void {
    const { groups } = this.parts;
    const { max_groups, groups_per_minute } = this.settings;
    if (groups.has(group, topics)) return;
    if (groups.size >= max_groups)
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `the clients of this gateway are in ${groups.size} groups, which is the most here; join one of them, or try again later`,
      );
    if (!this.newGroups.has(address, 1))
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `clients of one address may join ${groups_per_minute} groups without consumers a minute here; try again later`,
      );
    this.newGroups.take(address, 1);
  }

  private demand({ client: { permissions } }: Visit, { topics }: SubscriptionRequest, group: string): void {
    const { max_topics } = this.settings;
    const { rights } = this.parts;
    if (topics.length > max_topics)
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `a subscription may have ${max_topics} topics here, not ${topics.length}`,
      );
    for (const topic of topics) rights.demand(permissions, 'read', topic, `reading the topic ${topic}`);
    rights.demand(permissions, 'groups', group, `joining the group ${group}`);
  }

  /** Whether all topics exist. Waits for them if the request says so; false once `isWanted` is false. */
  private async exist({ topics, wait }: SubscriptionRequest, isWanted: () => boolean): Promise<boolean> {
    for (;;) {
      const all = await this.parts.looks.fresh();
      const missing = topics.filter((topic) => !all.has(topic));
      if (!isWanted()) return false;
      if (missing.length === 0) return true;
      if (!wait)
        throw new TidegateError(
          'TG_TOPIC_MISSING',
          `there is no topic ${quoteValue(missing.join(', '))}; create it first, or subscribe with "wait": true`,
        );
      await pause(this.clock, LOOK_INTERVAL);
    }
  }
}

function overtaken(): never {
  throw new TidegateError('TG_NOT_SUBSCRIBED', 'another request of this client has ended this subscription meanwhile');
}
