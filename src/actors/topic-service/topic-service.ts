import type { Clock } from '../../core/clock.ts';
import { CreditGate, type GateLimits } from '../../core/credit-gate.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import { isInternalTopic } from '../../core/internal-topics.ts';
import type { Log, TopicSpec } from '../../core/log.ts';
import type { Flight, Message } from '../../core/message.ts';
import type { SubscriptionRequest, TopicRequest, TopicResult } from '../../core/topic-request.ts';
import type { EndpointPort, TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Allowed, allowance } from '../allowance.ts';
import type { Groups } from '../consumer-group/groups.ts';
import type { GroupTiming } from '../consumer-group/shared-group.ts';
import { Admission } from './admission.ts';
import type { Client, Pacing } from './client.ts';
import { Outgoing } from './outgoing.ts';
import { Subscriber } from './subscriber.ts';

export interface TopicServiceOptions {
  readonly log: Log;
  readonly groups: Pick<Groups, 'join'>;
  readonly topic: (name: string) => TopicPort;
  /** The same, for topics that are written to already. */
  readonly opened: (name: string) => TopicPort | undefined;
  /** Milliseconds for which a topic that is published to may be missing. */
  readonly patience: number;
  readonly allow: Readonly<Record<Right, Allowed>>;
  /** Groups that no client may join, whatever is allowed. */
  readonly ownGroups: { has(group: string): boolean };
  /** For subscriptions that name no group. */
  readonly group: string;
  /** For subscriptions that do not say where to begin. */
  readonly from: 'earliest' | 'latest';
  readonly limits: {
    /** Topics of one subscription. */
    readonly topics: number;
    /** Topics that one client may create in a minute. */
    readonly creates: number;
  };
  /** What all clients together may have on its way into the log. */
  readonly inFlight: GateLimits;
  readonly publish: Pacing;
  readonly notify: Pacing;
  readonly timing: GroupTiming;
  /** Whether subscriptions begin paused. */
  readonly paused: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type Right = 'create' | 'read' | 'write' | 'groups';

/** Milliseconds that a client waits for its group before it is told that it cannot be joined now. */
const JOIN_PATIENCE = 15_000;
/** Milliseconds between two looks for a topic that a client waits for. */
const LOOK = 1_000;
const MINUTE = 60_000;

interface Visit {
  /** What S2 calls the socket: 1, 2, 3 ... in the order of their coming. */
  readonly ws: number;
  subscriber: Subscriber | undefined;
  /** Counts what changes the subscription: an answer that was overtaken changes nothing. */
  turn: number;
  /** When topics were created, within the last minute. */
  created: number[];
}

/**
 * What clients of an endpoint may do with topics by themselves: create, list, publish, and subscribe as members of
 * groups. All of them share one lane a topic, and one consumer a group.
 */
export class TopicService implements Flight {
  private readonly options: TopicServiceOptions;
  private readonly may: Readonly<Record<Right, (name: string) => boolean>>;
  private readonly gate: CreditGate;
  private readonly admission: Admission;
  private readonly outgoing: Outgoing;
  private readonly visits = new Map<Client, Visit>();
  private visitors = 0;
  private endpoint: Pick<EndpointPort, 'pause' | 'resume'> | undefined;

  constructor(options: TopicServiceOptions) {
    this.options = options;
    const { allow, log, topic, opened, patience, inFlight, publish, clock } = options;
    this.may = {
      create: allowance(allow.create),
      read: allowance(allow.read),
      write: allowance(allow.write),
      groups: allowance(allow.groups),
    };
    this.gate = new CreditGate(inFlight, (isOpen) => (isOpen ? this.endpoint?.resume() : this.endpoint?.pause()));
    this.admission = new Admission({ admin: log.admin, topic, opened, patience, clock });
    this.outgoing = new Outgoing((name, messages) => this.admission.write(name, messages), publish, clock);
  }

  /** The endpoint whose clients are read no further while too much of them is on its way into the log. */
  serves(endpoint: Pick<EndpointPort, 'pause' | 'resume'>): void {
    this.endpoint = endpoint;
  }

  /** Messages that were published and whose outcome is not known yet. */
  get unsettled(): number {
    return this.gate.messages;
  }

  enter(client: Client): void {
    this.visitors += 1;
    this.visits.set(client, { ws: this.visitors, subscriber: undefined, turn: 0, created: [] });
  }

  leave(client: Client): void {
    this.visits.get(client)?.subscriber?.leave();
    this.visits.delete(client);
  }

  /** Why a client may not publish there, or undefined. Asked for every message. */
  refusal(topic: string): TidegateError | undefined {
    if (!isInternalTopic(topic) && this.may.write(topic)) return undefined;
    return new TidegateError('TG_NOT_ALLOWED', `publishing to ${topic} is not allowed here`);
  }

  /** Takes a message that counts for `cost` bytes; once too much is on its way the endpoint is paused. */
  publish(topic: string, message: Message): void {
    message.flight = this;
    this.gate.take(1, message.cost);
    this.outgoing.publish(topic, message);
  }

  /** What fails is told to its client. */
  rescue(): boolean {
    return false;
  }

  landed(message: Message): void {
    this.gate.give(1, message.cost);
  }

  /** Collects no longer: a client waits until it may go on. */
  flush(): void {
    this.outgoing.flush();
  }

  /** Resolves when everything published so far is with its topic, or refused. */
  emptied(): Promise<void> {
    this.outgoing.flush();
    return this.admission.drained();
  }

  /** The gateway stops, and what is not with its topic will never be. */
  abandon(): void {
    this.outgoing.flush();
    this.admission.abandon();
  }

  /** The client answered a ping of its subscription. */
  ponged(client: Client, number: number): void {
    this.visits.get(client)?.subscriber?.ponged(number);
  }

  /** What was written to the client has left. */
  drained(client: Client): void {
    this.visits.get(client)?.subscriber?.wake();
  }

  /** Does what a client asks for; the answer comes by `respond`. */
  request(client: Client, request: Exclude<TopicRequest, { type: 'publish' }>, correlation: unknown): void {
    const visit = this.visits.get(client);
    if (visit === undefined) return;
    this.serve(client, visit, request).then(
      (result) => {
        if (result === undefined) return;
        client.respond(correlation, { ok: true, result });
        if (result.type === 'subscribed') visit.subscriber?.begin();
      },
      (error: unknown) => {
        const { code, message, retryable } = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        client.respond(correlation, { ok: false, rejection: { code, message, retryable } });
      },
    );
  }

  private async serve(
    client: Client,
    visit: Visit,
    request: Exclude<TopicRequest, { type: 'publish' }>,
  ): Promise<TopicResult | undefined> {
    switch (request.type) {
      case 'create':
        return this.create(visit, request.topics);
      case 'list':
        return this.list();
      case 'health':
        return this.health();
      case 'subscribe':
        return this.subscribe(client, visit, request.subscription);
      case 'unsubscribe':
        this.unsubscribe(visit);
        break;
      case 'commit':
        subscriberOf(visit).commit(request.positions);
        break;
      case 'seek':
        subscriberOf(visit).seek(request.positions);
        break;
      case 'pause':
        subscriberOf(visit).pause();
        break;
      case 'resume':
        subscriberOf(visit).resume();
        break;
      case 'grant':
        subscriberOf(visit).grant(request.records);
        break;
    }
    return { type: 'done' };
  }

  private async create(visit: Visit, topics: readonly TopicSpec[]): Promise<TopicResult> {
    const { limits, clock, log, logger } = this.options;
    for (const { name } of topics) this.demand('create', name, `creating the topic ${name}`);
    visit.created = visit.created.filter((time) => clock.now() - time < MINUTE);
    if (visit.created.length + topics.length > limits.creates)
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `a client may create ${limits.creates} topics a minute here; try again later`,
      );
    for (const topic of topics) {
      visit.created.push(clock.now());
      if (await log.admin.create(topic)) logger.info({ topic: topic.name }, `a client created the topic ${topic.name}`);
      this.admission.created(topic.name);
    }
    return { type: 'created', topics: topics.map(({ name }) => name) };
  }

  private async list(): Promise<TopicResult> {
    const all = await this.options.log.admin.topics();
    const shown = [...all].filter(([name]) => !isInternalTopic(name) && (this.may.read(name) || this.may.write(name)));
    const partitions = shown
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
    return { type: 'listed', partitions };
  }

  private health(): TopicResult {
    const consumers = [...this.visits.values()].map(({ ws, subscriber }) => ({ ws, topics: subscriber?.topics ?? [] }));
    return { type: 'health', consumers };
  }

  private async subscribe(
    client: Client,
    visit: Visit,
    request: SubscriptionRequest,
  ): Promise<TopicResult | undefined> {
    const { limits, groups, notify, paused, clock, from, timing } = this.options;
    const group = request.group ?? this.options.group;
    this.demandSubscription(request, group, limits.topics);
    visit.turn += 1;
    const { turn } = visit;
    const isWanted = () => visit.turn === turn && this.visits.get(client) === visit;
    if (!(await this.exist(request, isWanted))) return overtaken();
    // The one before goes on until this one can take its place.
    visit.subscriber?.leave();
    const subscriber = new Subscriber(client, request, notify, paused, clock);
    visit.subscriber = subscriber;
    const place = groups.join({
      group,
      topics: request.topics,
      from: request.from ?? from,
      timing,
      consumer: subscriber,
    });
    subscriber.sit(place);
    try {
      await within(place.live, JOIN_PATIENCE, `the group ${group} cannot be joined at the moment; try again`);
    } catch (error) {
      if (visit.subscriber === subscriber) this.unsubscribe(visit);
      throw error;
    }
    // A later request that failed has changed nothing.
    return visit.subscriber === subscriber ? { type: 'subscribed', topics: request.topics } : overtaken();
  }

  private unsubscribe(visit: Visit): void {
    visit.turn += 1;
    subscriberOf(visit).leave();
    visit.subscriber = undefined;
  }

  private demandSubscription({ topics }: SubscriptionRequest, group: string, limit: number): void {
    if (topics.length > limit)
      throw new TidegateError('TG_LIMIT_REACHED', `a subscription may have ${limit} topics here, not ${topics.length}`);
    for (const topic of topics) this.demand('read', topic, `reading the topic ${topic}`);
    this.demand('groups', group, `joining the group ${group}`);
  }

  /** Whether all topics exist; waits for them where that is asked for, and is false when nobody wants it any more. */
  private async exist({ topics, wait }: SubscriptionRequest, isWanted: () => boolean): Promise<boolean> {
    for (;;) {
      const all = await this.options.log.admin.topics();
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

  private demand(right: Right, name: string, what: string): void {
    const { ownGroups, logger } = this.options;
    const isOurs = right === 'groups' ? ownGroups.has(name) : isInternalTopic(name);
    if (!isOurs && this.may[right](name)) return;
    logger.debug({ right, name }, `a client was refused: ${what}`);
    throw new TidegateError('TG_NOT_ALLOWED', `${what} is not allowed here`);
  }
}

function subscriberOf({ subscriber }: Visit): Subscriber {
  if (subscriber === undefined)
    throw new TidegateError('TG_NOT_SUBSCRIBED', 'there is no subscription; subscribe first');
  return subscriber;
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
