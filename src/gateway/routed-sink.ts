import type { Observable } from 'rxjs';
import { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';

/** A topic for each record, by mistake, would fill the memory and the log. */
const MAX_TOPICS = 1_000;

export interface RoutedSinkOptions {
  readonly topic: (name: string) => TopicPort;
  /** Creates the topic where it is missing. Rejects if that cannot be; gives up when `signal` aborts. */
  readonly ensure: (name: string, signal: AbortSignal) => Promise<void>;
}

/** Writes each message to the topic that its transforms gave it. A topic is created when its first message comes; messages for it wait. */
export class RoutedSink implements Sink {
  readonly idle$: Observable<void>;
  private readonly sink: Sink;
  private readonly options: RoutedSinkOptions;
  private readonly closing = new AbortController();
  /** By topic; messages wait for those that are created still. */
  private readonly routes = new Map<string, { readonly waiting: Message[] | undefined }>();

  /** `sink`: for messages without a topic of their own. */
  constructor(sink: Sink, options: RoutedSinkOptions) {
    this.sink = sink;
    this.options = options;
    this.idle$ = sink.idle$;
  }

  get idle(): boolean {
    return this.sink.idle;
  }

  open(): Promise<void> {
    return this.sink.open();
  }

  keyOf(message: Message) {
    return this.sink.keyOf?.(message);
  }

  write(batch: Batch): void {
    for (const [topic, messages] of byTopic(batch)) {
      if (topic === undefined) this.sink.write(new Batch(messages));
      else this.writeTo(topic, messages);
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const [topic, { waiting }] of this.routes)
      new Batch(waiting ?? []).nack(new TidegateError('TG_STOPPING', `the task ended before ${topic} was created`));
    this.routes.clear();
    await this.sink.close();
  }

  private writeTo(topic: string, messages: readonly Message[]): void {
    const route = this.routes.get(topic);
    if (route === undefined) this.create(topic, [...messages]);
    else if (route.waiting === undefined) this.options.topic(topic).write(new Batch(messages));
    else route.waiting.push(...messages);
  }

  private create(topic: string, waiting: Message[]): void {
    if (this.routes.size >= MAX_TOPICS) {
      const why = `its transforms gave records ${MAX_TOPICS} topics, which is the most; give ${topic} another name`;
      new Batch(waiting).nack(new TidegateError('TG_MESSAGE_INVALID', why));
      return;
    }
    const route = { waiting };
    this.routes.set(topic, route);
    // After the end of the sink the messages are settled already.
    const isCurrent = () => this.routes.get(topic) === route;
    this.options.ensure(topic, this.closing.signal).then(
      () => {
        if (!isCurrent()) return;
        this.routes.set(topic, { waiting: undefined });
        this.options.topic(topic).write(new Batch(waiting));
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        this.routes.delete(topic);
        new Batch(waiting).nack(asTidegateError(error, 'TG_TOPIC_INVALID', `the topic ${topic} cannot be created`));
      },
    );
  }
}

function byTopic({ messages }: Batch): ReadonlyMap<string | undefined, readonly Message[]> {
  const groups = new Map<string | undefined, Message[]>();
  for (const message of messages) {
    const group = groups.get(message.topic);
    if (group === undefined) groups.set(message.topic, [message]);
    else group.push(message);
  }
  return groups;
}
