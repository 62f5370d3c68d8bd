import type { Groups } from '../actors/consumer-group/groups.ts';
import type { TopicClient, TopicClients } from '../actors/endpoint/topic-clients.ts';
import { FailureLog } from '../actors/pipeline/failure-log.ts';
import { CreditGate } from '../core/credit-gate.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Message, Tracker } from '../core/message.ts';
import type { TopicRequest, TopicResult, TopicView } from '../core/topic-request.ts';
import type { EndpointPort } from '../sdk/context.ts';
import type { PartContext } from '../telemetry/part-context.ts';
import { Admission, type TopicsToWrite } from './admission.ts';
import { ClientTopics } from './client-topics.ts';
import { Consumers } from './consumers.ts';
import { Outgoing } from './outgoing.ts';
import { type Reserved, Rights } from './rights.ts';
import type { TopicSettings } from './settings.ts';
import { Subscribing } from './subscribing.ts';
import { TopicLooks } from './topic-looks.ts';
import type { TopicMaxima } from './topic-maxima.ts';
import { Visit } from './visit.ts';

/** What the service uses of its gateway. */
export interface TopicServiceContext extends PartContext, TopicsToWrite, Reserved {
  readonly groups: Pick<Groups, 'join' | 'has' | 'size'>;
}

/** What an endpoint says of its clients. */
export interface TopicServiceSettings {
  readonly topics: TopicSettings;
  readonly maxima: TopicMaxima;
  /** Milliseconds for which a topic that is published to may be missing. */
  readonly missingTimeout: number;
}

type Asked = Exclude<TopicRequest, { type: 'publish' }>;

const DONE: TopicResult = { type: 'done' };

/**
 * What clients of an endpoint can do with topics: create, list, publish, and subscribe in consumer groups. All clients
 * share one lane for each topic, and one consumer for each group.
 */
export class TopicService implements TopicClients, Tracker {
  private readonly rights: Rights;
  private readonly gate: CreditGate;
  private readonly admission: Admission;
  private readonly outgoing: Outgoing;
  private readonly topics: ClientTopics;
  private readonly subscribing: Subscribing;
  private readonly consumers: Consumers;
  private readonly failureLog: FailureLog;
  private readonly visits = new Map<TopicClient, Visit>();
  private visitors = 0;
  private endpoint: Pick<EndpointPort, 'pause' | 'resume'> | undefined;

  /** `name`: of the endpoint. */
  constructor(context: TopicServiceContext, name: string, settings: TopicServiceSettings) {
    const { log, clock, stats, groups } = context;
    const { topics, maxima, missingTimeout } = settings;
    const logger = context.logger.child({ scope: 'topics', endpoint: name });
    const rights = new Rights(context, logger);
    const looks = new TopicLooks(log.admin, clock);
    const created = (topic: string) => {
      looks.changed();
      this.admission.created(topic);
    };
    const delivery = stats.histogram('tidegate_delivery_seconds', { endpoint: name });
    this.rights = rights;
    this.gate = new CreditGate(topics.in_flight, (isOpen) => {
      if (isOpen) this.endpoint?.resume();
      else this.endpoint?.pause();
    });
    this.admission = new Admission(context, missingTimeout);
    this.outgoing = new Outgoing((topic, messages) => this.admission.write(topic, messages), topics.publish, clock);
    this.topics = new ClientTopics({ log, clock, logger }, topics, { looks, rights, maxima, created });
    this.subscribing = new Subscribing(clock, topics, { looks, rights, groups, delivery });
    this.consumers = new Consumers(this.visits, rights, clock);
    this.failureLog = new FailureLog(logger, clock);
  }

  /** The endpoint that stops reading from its clients while too many of their messages are in flight. */
  serves(endpoint: Pick<EndpointPort, 'pause' | 'resume'>): void {
    this.endpoint = endpoint;
  }

  /** Messages in flight: published, and their outcome not known. */
  get unsettled(): number {
    return this.gate.messages;
  }

  enter(client: TopicClient): void {
    this.visitors += 1;
    this.visits.set(client, new Visit(client, this.visitors, () => this.consumers.changed()));
    this.consumers.changed();
  }

  leave(client: TopicClient): void {
    this.visits.get(client)?.leave();
    this.visits.delete(client);
    this.consumers.changed();
  }

  /** Why a client may not publish there, or undefined. Called for every message. */
  refusal({ permissions }: TopicClient, topic: string): TidegateError | undefined {
    if (this.rights.has(permissions, 'write', topic)) return undefined;
    return new TidegateError('TG_NOT_ALLOWED', `publishing to ${topic} is not allowed here`);
  }

  /** Whether a client may go on with its subscription, after its permissions have changed. */
  mayContinue(client: TopicClient): boolean {
    const { subscriber } = this.visits.get(client) ?? {};
    return subscriber === undefined || this.subscribing.mayContinue(client, subscriber);
  }

  /** Publishes a message; while too many are in flight the endpoint is paused. */
  publish(topic: string, message: Message): void {
    message.tracker = this;
    this.gate.take(1, message.cost);
    this.outgoing.publish(topic, message);
  }

  /** Failures are answered to the client; refusals of the log are also logged for the operator. */
  takeOver(message: Message, failure: TidegateError): boolean {
    if (!failure.retryable) this.failureLog.add(message, failure);
    return false;
  }

  settled(message: Message): void {
    this.gate.give(1, message.cost);
  }

  /** Passes on the messages that are being collected: a client waits for them. */
  flush(): void {
    this.outgoing.flush();
  }

  /** Resolves when every message published so far was passed to its topic, or refused. */
  emptied(): Promise<void> {
    this.outgoing.flush();
    return this.admission.drained();
  }

  /** The gateway stops: messages that were not passed to their topic are refused. */
  abandon(): void {
    this.outgoing.flush();
    this.admission.abandon();
  }

  /** The client answered a ping of its subscription. */
  ponged(client: TopicClient, number: number): void {
    this.visits.get(client)?.subscriber?.ponged(number);
  }

  /** The client has taken what was written to it. */
  drained(client: TopicClient): void {
    this.visits.get(client)?.subscriber?.wake();
  }

  /** Serves a request; the answer is sent by `respond` or `show`. */
  request(client: TopicClient, request: Asked, correlation: unknown): void {
    const visit = this.visits.get(client);
    if (visit === undefined) return;
    this.serve(visit, request).then(
      (result) => {
        if (result.type === 'listed' || result.type === 'health') {
          client.show(correlation, result);
          return;
        }
        client.respond(correlation, { ok: true, result });
        if (result.type === 'subscribed') visit.subscriber?.begin();
      },
      (error: unknown) => {
        const { code, message, retryable } = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        client.respond(correlation, { ok: false, rejection: { code, message, retryable } });
      },
    );
  }

  /** Async, so that an exception becomes an answer, too. */
  private async serve(visit: Visit, request: Asked): Promise<TopicResult | TopicView> {
    switch (request.type) {
      case 'create':
        return this.topics.create(visit, request.topics);
      case 'list':
        return this.topics.list(visit);
      case 'health':
        return this.consumers.show(visit.client.permissions);
      case 'subscribe':
        return this.subscribing.subscribe(visit, request.subscription);
      case 'unsubscribe':
        visit.unsubscribe();
        return DONE;
      case 'commit':
        visit.subscribed.commit(request.positions);
        return DONE;
      case 'seek':
        visit.subscribed.seek(request.positions);
        return DONE;
      case 'pause':
        visit.subscribed.pause();
        return DONE;
      case 'resume':
        visit.subscribed.resume();
        return DONE;
      case 'grant':
        visit.subscribed.grant(request.records);
        return DONE;
    }
  }
}
