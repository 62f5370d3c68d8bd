import { Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { ConnectedContext, EndpointPort, GatewayPorts, NamedTopicPort } from '../../sdk/context.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { createStats } from '../../telemetry/stats.ts';
import { NO_COMPONENT_SPAN, NO_TRACING } from '../../telemetry/tracing.ts';
import { TestClock } from '../simulation/test-clock.ts';
import { LawRemote } from './law-remote.ts';

/** What becomes of a message that a sink hands to the gateway: it is stored, refused, or the log is away. */
export type Fate = 'stored' | 'refused' | 'away';

const FAILURES = {
  refused: new TidegateError('TG_RECORD_REFUSED', 'refused by the law'),
  away: new TidegateError('TG_LOG_UNAVAILABLE', 'away by the law'),
};

/** What the gateway was handed, and when it settles it. */
class Destination implements NamedTopicPort {
  readonly idle$ = new Subject<void>();
  private readonly waiting: Message[] = [];
  private readonly gateway: LawGateway;
  private readonly name: string;

  constructor(gateway: LawGateway, name: string) {
    this.gateway = gateway;
    this.name = name;
  }

  get idle(): boolean {
    return this.waiting.length === 0;
  }

  get pending(): number {
    return this.waiting.length;
  }

  write({ messages }: Batch): void {
    const isFirst = this.idle;
    this.waiting.push(...messages);
    if (isFirst && !this.idle) setImmediate(() => this.settle());
  }

  private settle(): void {
    for (const message of this.waiting.splice(0)) this.gateway.arrived(this.name, message);
    this.idle$.next();
  }
}

/**
 * The gateway that a component under a law is made with: topics, endpoints and WebSocket servers in memory. What a sink
 * hands over is settled in the next turn of the event loop, as `fates` say in their order.
 */
export class LawGateway {
  readonly clock = new TestClock();
  readonly context: ConnectedContext;
  /** What sinks have handed over, in its order, with the name of its topic or endpoint. */
  readonly handedOver: { readonly to: string; readonly message: Message; readonly fate: Fate }[] = [];
  private readonly closing = new AbortController();
  private readonly fates: readonly Fate[];
  private readonly destinations = new Map<string, Destination>();
  private readonly feeds: LawFeed[] = [];
  private readonly remotes: LawRemote[] = [];

  constructor(fates: readonly Fate[] = ['stored']) {
    this.fates = fates;
    const logger = createLogger({ level: 'silent' });
    const facts = { path: 'pipelines.law.component', logger, stats: createStats(), clock: this.clock };
    const { signal } = this.closing;
    const tracer = { span: () => NO_COMPONENT_SPAN };
    this.context = { ...facts, signal, tracer, state: stateInMemory(), gateway: this.ports() };
  }

  /** Whether a source has asked for messages and holds them back no more. */
  get isAsked(): boolean {
    return this.feeds.some(({ isOpen }) => isOpen) || this.remotes.some(({ isOpen }) => isOpen);
  }

  /** Gives the messages to all sources that read of this gateway now: topics, endpoints, WebSocket servers. */
  feed(messages: () => readonly Message[]): void {
    for (const feed of this.feeds) feed.give(messages());
    for (const remote of this.remotes) for (const { payload } of messages()) remote.give(payload);
  }

  /** For the destinations of sinks. */
  arrived(to: string, message: Message): void {
    const fate = this.fates[this.handedOver.length % this.fates.length] ?? 'stored';
    this.handedOver.push({ to, message, fate });
    if (fate === 'stored') message.ack();
    else message.nack(FAILURES[fate]);
  }

  private ports(): GatewayPorts {
    return {
      tracing: NO_TRACING,
      endpoint: (name) => this.endpoint(name),
      topic: (name) => this.destination(name),
      namedTopics: {
        mistakeOf: (name) => (name === '' || name.length > 249 ? `"${name}" is not the name of a topic` : undefined),
        ensure: async () => true,
        open: (name) => this.destination(name),
        close() {},
      },
      subscribe: () => this.subscribe(),
      follow: () => ({ caughtUp: Promise.resolve(), open() {}, close: async () => {} }),
      dial: (_target, handler) => {
        const remote = new LawRemote(handler, (message) =>
          this.handedOver.push({ to: 'remote', message, fate: 'stored' }),
        );
        this.remotes.push(remote);
        return remote;
      },
      cursors: () => ({ load: async () => undefined, save: async () => {} }),
      onStatus() {},
    };
  }

  private destination(name: string): Destination {
    const known = this.destinations.get(name) ?? new Destination(this, name);
    this.destinations.set(name, known);
    return known;
  }

  private endpoint(name: string): EndpointPort {
    const feed = new LawFeed();
    this.feeds.push(feed);
    return {
      received$: feed.batches$,
      pause: () => feed.pause(),
      resume: () => feed.resume(),
      deliver: ({ messages }) => {
        for (const message of messages) this.arrived(name, message);
      },
      publish: ({ messages }) => {
        for (const message of messages) this.arrived(name, message);
      },
    };
  }

  private subscribe(): Source {
    const feed = new LawFeed();
    this.feeds.push(feed);
    return {
      batches$: feed.batches$,
      open: async () => feed.resume(),
      pause: () => feed.pause(),
      resume: () => feed.resume(),
      close: async () => feed.pause(),
    };
  }
}

/** What a source reads, while it asks for it. */
class LawFeed {
  readonly batches$ = new Subject<Batch>();
  isOpen = false;

  pause(): void {
    this.isOpen = false;
  }

  resume(): void {
    this.isOpen = true;
  }

  give(messages: readonly Message[]): void {
    if (this.isOpen && messages.length > 0) this.batches$.next(new Batch(messages));
  }
}

/** The state of a component that is made for a law: it goes with it. */
function stateInMemory(): ConnectedContext['state'] {
  const values = new Map<string, string>();
  return {
    load: async (key) => {
      const json = values.get(key);
      return json === undefined ? undefined : JSON.parse(json);
    },
    save: async (key, value) => {
      if (value === undefined) values.delete(key);
      else values.set(key, JSON.stringify(value));
    },
  };
}
