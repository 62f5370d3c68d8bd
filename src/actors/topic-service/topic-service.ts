import type { Clock } from '../../core/clock.ts';
import { CreditGate, type GateLimits } from '../../core/credit-gate.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Flight, Message } from '../../core/message.ts';
import type { TopicRequest, TopicResult } from '../../core/topic-request.ts';
import type { EndpointPort, TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Allowed } from '../allowance.ts';
import type { Groups } from '../consumer-group/groups.ts';
import type { GroupTiming } from '../consumer-group/shared-group.ts';
import { Admission } from './admission.ts';
import type { Client, Pacing } from './client.ts';
import { ClientTopics } from './client-topics.ts';
import { Outgoing } from './outgoing.ts';
import { type Right, Rights } from './rights.ts';
import { Subscribing } from './subscribing.ts';
import { Visit } from './visit.ts';

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

type Asked = Exclude<TopicRequest, { type: 'publish' }>;

const DONE: TopicResult = { type: 'done' };

/**
 * What clients of an endpoint may do with topics by themselves: create, list, publish, and subscribe as members of
 * groups. All of them share one lane a topic, and one consumer a group.
 */
export class TopicService implements Flight {
  private readonly rights: Rights;
  private readonly gate: CreditGate;
  private readonly admission: Admission;
  private readonly outgoing: Outgoing;
  private readonly topics: ClientTopics;
  private readonly subscribing: Subscribing;
  private readonly visits = new Map<Client, Visit>();
  private visitors = 0;
  private endpoint: Pick<EndpointPort, 'pause' | 'resume'> | undefined;

  constructor(options: TopicServiceOptions) {
    const { log, topic, opened, patience, inFlight, publish, limits, clock } = options;
    const { admin } = log;
    this.rights = new Rights(options);
    this.gate = new CreditGate(inFlight, (isOpen) => (isOpen ? this.endpoint?.resume() : this.endpoint?.pause()));
    this.admission = new Admission({ admin, topic, opened, patience, clock });
    this.outgoing = new Outgoing((name, messages) => this.admission.write(name, messages), publish, clock);
    const common = { ...options, admin, rights: this.rights };
    const created = (name: string) => this.admission.created(name);
    this.topics = new ClientTopics({ ...common, createsPerMinute: limits.creates, created });
    this.subscribing = new Subscribing({ ...common, maxTopics: limits.topics });
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
    this.visits.set(client, new Visit(client, this.visitors));
  }

  leave(client: Client): void {
    this.visits.get(client)?.leave();
    this.visits.delete(client);
  }

  /** Why a client may not publish there, or undefined. Asked for every message. */
  refusal(topic: string): TidegateError | undefined {
    if (this.rights.has('write', topic)) return undefined;
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
  request(client: Client, request: Asked, correlation: unknown): void {
    const visit = this.visits.get(client);
    if (visit === undefined) return;
    this.serve(visit, request).then(
      (result) => {
        client.respond(correlation, { ok: true, result });
        if (result.type === 'subscribed') visit.subscriber?.begin();
      },
      (error: unknown) => {
        const { code, message, retryable } = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        client.respond(correlation, { ok: false, rejection: { code, message, retryable } });
      },
    );
  }

  /** Async, so that what throws answers its client, too. */
  private async serve(visit: Visit, request: Asked): Promise<TopicResult> {
    switch (request.type) {
      case 'create':
        return this.topics.create(visit, request.topics);
      case 'list':
        return this.topics.list();
      case 'health':
        return this.health();
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

  private health(): TopicResult {
    const consumers = [...this.visits.values()].map(({ ws, subscriber }) => ({ ws, topics: subscriber?.topics ?? [] }));
    return { type: 'health', consumers };
  }
}
