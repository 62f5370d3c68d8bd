import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { LogAdmin } from '../../core/log.ts';
import type { SubscriptionRequest, TopicResult } from '../../core/topic-request.ts';
import type { Groups } from '../consumer-group/groups.ts';
import type { GroupTiming } from '../consumer-group/shared-group.ts';
import type { Pacing } from './client.ts';
import type { Rights } from './rights.ts';
import { Subscriber } from './subscriber.ts';
import type { Visit } from './visit.ts';

export interface SubscribingOptions {
  readonly admin: Pick<LogAdmin, 'topics'>;
  readonly groups: Pick<Groups, 'join'>;
  readonly rights: Rights;
  /** For subscriptions that name no group. */
  readonly group: string;
  /** For subscriptions that do not say where to begin. */
  readonly from: 'earliest' | 'latest';
  /** Topics of one subscription. */
  readonly maxTopics: number;
  readonly notify: Pacing;
  readonly timing: GroupTiming;
  /** Whether subscriptions begin paused. */
  readonly paused: boolean;
  readonly clock: Clock;
}

/** Milliseconds that a client waits for its group before it is told that it cannot be joined now. */
const JOIN_PATIENCE = 15_000;
/** Milliseconds between two looks for a topic that a client waits for. */
const LOOK = 1_000;

/** Makes clients members of the groups that they ask for. */
export class Subscribing {
  private readonly options: SubscribingOptions;

  constructor(options: SubscribingOptions) {
    this.options = options;
  }

  /**
   * Resolves when the client is in the group; its records begin when the subscription is told to. A subscription that it had goes on until this one can
   * take its place. Rejects with TG_NOT_ALLOWED, TG_LIMIT_REACHED, TG_TOPIC_MISSING, TG_GROUP_FAILED, and TG_NOT_SUBSCRIBED where a later request
   * ended it meanwhile.
   */
  async subscribe(visit: Visit, request: SubscriptionRequest): Promise<TopicResult> {
    const { groups, timing, notify, paused, clock } = this.options;
    const { group = this.options.group, from = this.options.from } = request;
    this.demand(request, group);
    visit.turn += 1;
    const { turn } = visit;
    if (!(await this.exist(request, () => visit.turn === turn))) return overtaken();
    visit.subscriber?.leave();
    const subscriber = new Subscriber(visit.client, request, notify, paused, clock);
    visit.subscriber = subscriber;
    const place = groups.join({ group, topics: request.topics, from, timing, consumer: subscriber });
    subscriber.sit(place);
    try {
      await within(place.live, JOIN_PATIENCE, `the group ${group} cannot be joined at the moment; try again`);
    } catch (error) {
      if (visit.subscriber === subscriber) visit.unsubscribe();
      throw error;
    }
    // A later request that failed has changed nothing.
    return visit.subscriber === subscriber ? { type: 'subscribed', topics: request.topics } : overtaken();
  }

  private demand({ topics }: SubscriptionRequest, group: string): void {
    const { maxTopics, rights } = this.options;
    if (topics.length > maxTopics)
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `a subscription may have ${maxTopics} topics here, not ${topics.length}`,
      );
    for (const topic of topics) rights.demand('read', topic, `reading the topic ${topic}`);
    rights.demand('groups', group, `joining the group ${group}`);
  }

  /** Whether all topics exist; waits for them where that is asked for, and is false when nobody wants it any more. */
  private async exist({ topics, wait }: SubscriptionRequest, isWanted: () => boolean): Promise<boolean> {
    for (;;) {
      const all = await this.options.admin.topics();
      const missing = topics.filter((topic) => !all.has(topic));
      if (!isWanted()) return false;
      if (missing.length === 0) return true;
      if (!wait)
        throw new TidegateError(
          'TG_TOPIC_MISSING',
          `there is no topic ${missing.join(', ')}; create it first, or subscribe with "wait": true`,
        );
      await new Promise<void>((resolve) => this.options.clock.after(LOOK, resolve));
    }
  }
}

function overtaken(): never {
  throw new TidegateError('TG_NOT_SUBSCRIBED', 'another request of this client has ended this subscription meanwhile');
}

async function within(work: Promise<void>, milliseconds: number, otherwise: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TidegateError('TG_GROUP_FAILED', otherwise)), milliseconds);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
