import { type Observable, Subject, type Subscription } from 'rxjs';
import {
  asTidegateError,
  Batch,
  type ContextWith,
  type Message,
  type NamedTopicPort,
  TidegateError,
} from '../../sdk/index.ts';

export interface TopicsByNameSettings {
  /** Most topics that are written to at a time. */
  readonly max: number;
  /** Whether topics that do not exist are created. */
  readonly create: boolean;
  /** Milliseconds after which a topic that is not written to is closed. */
  readonly closeAfter: number;
}

/** Milliseconds for which a topic that the log refused is not asked for again. */
const REFUSED_FOR = 10_000;

interface OpenTopic {
  port: NamedTopicPort | undefined;
  following: Subscription | undefined;
  /** Messages for it until it is known to exist; undefined from then on. */
  waiting: Message[] | undefined;
  usedAt: number;
}

/** Topics whose names come from messages: opened when the first message for one comes, closed when none came for a while. */
export class TopicsByName {
  readonly idle$: Observable<void>;
  private readonly becameIdle = new Subject<void>();
  private readonly settings: TopicsByNameSettings;
  private readonly context: ContextWith<'namedTopics'>;
  private readonly topics = new Map<string, OpenTopic>();
  private readonly refusals = new Map<string, { readonly failure: TidegateError; readonly until: number }>();
  private closing = new AbortController();
  private cancelSweep: (() => void) | undefined;

  constructor(settings: TopicsByNameSettings, context: ContextWith<'namedTopics'>) {
    this.settings = settings;
    this.context = context;
    this.idle$ = this.becameIdle.asObservable();
  }

  get idle(): boolean {
    for (const { port, waiting } of this.topics.values())
      if (waiting === undefined && port?.idle === false) return false;
    return true;
  }

  open(): void {
    this.closing = new AbortController();
    this.sweepLater();
  }

  /** Topics are let go of when what is in flight for them is written. */
  close(): void {
    this.closing.abort();
    this.cancelSweep?.();
    for (const [name, topic] of [...this.topics]) this.letGo(name, topic);
  }

  /** Messages for one topic, in their order. Those that may not be written to it are nacked. */
  write(name: string, messages: Message[]): void {
    const now = this.context.clock.elapsed();
    const topic = this.topics.get(name) ?? this.begin(name, now);
    if (topic instanceof TidegateError) {
      for (const message of messages) message.nack(topic);
      return;
    }
    topic.usedAt = now;
    if (topic.waiting !== undefined) topic.waiting.push(...messages);
    else this.hand(name, topic, messages);
  }

  private hand(name: string, topic: OpenTopic, messages: Message[]): void {
    const port = this.context.gateway.namedTopics.open(name);
    if (topic.port !== undefined && port !== topic.port) {
      // The gateway has let the topic go, because it was gone from the log.
      topic.following?.unsubscribe();
      topic.port = undefined;
      topic.waiting = messages;
      this.ensure(name, topic);
      return;
    }
    if (topic.port === undefined) {
      topic.port = port;
      topic.following = port.idle$.subscribe(() => {
        if (this.idle) this.becameIdle.next();
      });
    }
    port.write(new Batch(messages));
  }

  /** An error where no message may be written to it. */
  private begin(name: string, now: number): OpenTopic | TidegateError {
    const refusal = this.refusalOf(name, now);
    if (refusal !== undefined) return refusal;
    const topic: OpenTopic = { port: undefined, following: undefined, waiting: [], usedAt: now };
    this.topics.set(name, topic);
    this.ensure(name, topic);
    return topic;
  }

  private ensure(name: string, topic: OpenTopic): void {
    const { namedTopics } = this.context.gateway;
    namedTopics.ensure(name, this.settings.create, this.closing.signal).then(
      (isThere) => {
        const waiting = topic.waiting ?? [];
        topic.waiting = undefined;
        // It may have been closed meanwhile, and what waited is in flight no more.
        if (isThere && this.topics.get(name) === topic) {
          this.hand(name, topic, waiting);
          return;
        }
        this.remove(name, topic);
        for (const message of waiting) message.nack(stopped(name));
      },
      (error: unknown) => this.refused(name, topic, asTidegateError(error, 'TG_TOPIC_INVALID')),
    );
  }

  private refusalOf(name: string, now: number): TidegateError | undefined {
    const mistake = this.context.gateway.namedTopics.mistakeOf(name);
    if (mistake !== undefined) return new TidegateError('TG_TOPIC_INVALID', mistake);
    const known = this.refusals.get(name);
    if (known !== undefined && now < known.until) return known.failure;
    if (this.topics.size >= this.settings.max) this.sweep(now);
    if (this.topics.size < this.settings.max) return undefined;
    return new TidegateError(
      'TG_TOPIC_INVALID',
      `${this.context.path}: there are messages for ${this.settings.max} topics already, so none is written to "${name}"; raise topics.max if that many are meant`,
    );
  }

  private refused(name: string, topic: OpenTopic, failure: TidegateError): void {
    this.remove(name, topic);
    if (this.refusals.size >= this.settings.max) this.refusals.clear();
    this.refusals.set(name, { failure, until: this.context.clock.elapsed() + REFUSED_FOR });
    for (const message of topic.waiting ?? []) message.nack(failure);
  }

  /** Not one that was opened in its place. */
  private remove(name: string, topic: OpenTopic): void {
    if (this.topics.get(name) === topic) this.topics.delete(name);
  }

  private sweepLater(): void {
    this.cancelSweep = this.context.clock.after(this.settings.closeAfter, () => {
      this.sweep(this.context.clock.elapsed());
      this.sweepLater();
    });
  }

  private sweep(now: number): void {
    for (const [name, topic] of [...this.topics]) {
      const isUnused = topic.waiting === undefined && topic.port?.pending === 0;
      if (isUnused && now - topic.usedAt >= this.settings.closeAfter) this.letGo(name, topic);
    }
  }

  private letGo(name: string, topic: OpenTopic): void {
    topic.following?.unsubscribe();
    this.topics.delete(name);
    if (topic.port !== undefined) this.context.gateway.namedTopics.close(name);
  }
}

function stopped(name: string): TidegateError {
  return new TidegateError('TG_STOPPING', `the pipeline ended before the topic "${name}" was there`);
}
