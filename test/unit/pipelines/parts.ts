import assert from 'node:assert/strict';
import { NEVER, type Observable, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { GateLimits } from '../../../src/core/credit-gate.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { type FailurePolicy, InFlightMessages } from '../../../src/pipelines/in-flight.ts';
import type { ProcessingOptions } from '../../../src/pipelines/processing.ts';
import type {
  ConnectedContext,
  EndpointPort,
  FollowOptions,
  GatewayPorts,
  NamedTopics,
  SubscribeOptions,
  TopicFollower,
} from '../../../src/sdk/context.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_COMPONENT_SPAN, NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { HandClock } from '../core/hand-clock.ts';

/** A sink whose idleness is in the test's hand. */
export class HandSink {
  idle = false;
  readonly becameIdle = new Subject<void>();
  readonly idle$: Observable<void> = this.becameIdle;
}

/** A topic that keeps what is written and settles nothing by itself. */
export class KeptTopic {
  readonly idle = true;
  readonly idle$ = NEVER;
  readonly batches: Batch[] = [];

  write(batch: Batch): void {
    this.batches.push(batch);
  }

  get pending(): number {
    return this.messages.filter(({ isSettled }) => !isSettled).length;
  }

  get messages(): Message[] {
    return this.batches.flatMap(({ messages }) => messages);
  }
}

/** Options of processing that count what they receive and pause for nothing. */
export function countingOptions(changes: Partial<ProcessingOptions> = {}) {
  const counts = {
    retried: [] as string[],
    filtered: 0,
    filters: [] as string[],
    skipped: [] as string[],
    pauses: [] as number[],
    traced: 0,
    ended: 0,
  };
  const options: ProcessingOptions = {
    retries: 3,
    pause: async (attempt) => {
      counts.pauses.push(attempt);
    },
    retried: ({ code }) => counts.retried.push(code),
    filtered: (_message, processor) => {
      counts.filtered += 1;
      counts.filters.push(processor);
    },
    skipped: (_message, { code }) => counts.skipped.push(code),
    trace: () => {
      counts.traced += 1;
      return () => {
        counts.ended += 1;
      };
    },
    ...changes,
  };
  return { counts, options };
}

export function inFlightOf(
  limits: GateLimits = { messages: 1_000, bytes: 1_000_000 },
  policy: FailurePolicy = () => false,
) {
  const told = { gate: [] as boolean[], settled: [] as [Message, TidegateError | null][], emptied: 0 };
  const inFlight = new InFlightMessages(limits, policy, {
    gateChanged: (open) => told.gate.push(open),
    messageSettled: (message, failure) => told.settled.push([message, failure]),
    emptied: () => {
      told.emptied += 1;
    },
  });
  return { inFlight, told };
}

/** A follower that reads what the test gives it. */
class FakeFollower implements TopicFollower {
  readonly options: FollowOptions;
  readonly caughtUp: Promise<void>;
  catchUp: () => void = () => {};
  isOpen = false;

  constructor(options: FollowOptions) {
    this.options = options;
    this.caughtUp = new Promise((resolve) => {
      this.catchUp = resolve;
    });
  }

  open(): void {
    this.isOpen = true;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }
}

/** What a component gets of a gateway: topics that keep, one endpoint that remembers, subscriptions that are asked for. */
export function fakeContext() {
  const topics = new Map<string, KeptTopic>();
  const asked: SubscribeOptions[] = [];
  const followers: FakeFollower[] = [];
  const received = new Subject<Batch>();
  const orders: string[] = [];
  const delivered: Batch[] = [];
  const published: { readonly batch: Batch; readonly channels: readonly unknown[] }[] = [];
  const endpoint: EndpointPort = {
    received$: received,
    pause: () => orders.push('pause'),
    resume: () => orders.push('resume'),
    deliver: (batch) => delivered.push(batch),
    publish: (batch, channels) => published.push({ batch, channels }),
  };
  const lines: { level: string; facts: object; text: string }[] = [];
  const line = (level: string) => (facts: object, text: string) => lines.push({ level, facts, text });
  const logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => createLogger({ level: 'silent' }),
  };
  const source = { batches$: NEVER, open: async () => {}, pause() {}, resume() {}, close: async () => {} };
  const closed: string[] = [];
  const namedTopics: NamedTopics = {
    mistakeOf: (name) => (name.startsWith('__') ? `"${name}" is internal` : undefined),
    ensure: async (name, create) => {
      if (!create) throw new TidegateError('TG_TOPIC_MISSING', `the topic "${name}" does not exist`);
      return true;
    },
    open: (name) => gateway.topic(name) as KeptTopic,
    close: (name) => closed.push(name),
  };
  const gateway: GatewayPorts = {
    tracing: NO_TRACING,
    endpoint: () => endpoint,
    topic: (name) => {
      const topic = topics.get(name) ?? new KeptTopic();
      topics.set(name, topic);
      return topic;
    },
    namedTopics,
    subscribe: (options) => {
      asked.push(options);
      return source;
    },
    follow: (options) => {
      const follower = new FakeFollower(options);
      followers.push(follower);
      return follower;
    },
    dial: () => assert.fail('nothing is dialled here'),
    cursors: () => ({ load: async () => undefined, save: async () => {} }),
    onStatus() {},
  };
  const clock = new HandClock();
  const facts = { path: 'pipelines.p.x', logger, stats: createStats(), signal: new AbortController().signal };
  const state = { load: async () => undefined, save: async () => {} };
  const tracer = { span: () => NO_COMPONENT_SPAN };
  const context: ConnectedContext = { ...facts, clock, tracer, state, gateway };
  return { context, topics, asked, followers, received, orders, delivered, published, lines, source };
}

export const texts = (messages: readonly Message[]) => messages.map(({ text }) => text);

export const batchOf = (...messages: Message[]) => new Batch(messages);

/** Lets promises that are due settle, however long their chain. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
