import { randomUUID } from 'node:crypto';
import { NEVER } from 'rxjs';
import type { ConsumerGroup } from '../actors/consumer-group/consumer-group.ts';
import type { Batch } from '../core/batch.ts';
import { TidegateError } from '../core/errors.ts';
import type { TransactionOptions } from '../core/log.ts';
import type { NamedTopicPort, NamedTopics, TopicPort } from '../sdk/context.ts';

/** Characters of a group's name that are in the name of a writer, which is committed with each offset. */
const MAX_GROUP = 200;

/** What a pipeline with `exactly_once` reads and writes by: its sinks write through the member of its source's group. */
export class PipelineTransactions {
  private readonly limits: Pick<TransactionOptions, 'interval' | 'bytes'>;
  private readonly id = randomUUID();
  private source: ConsumerGroup | undefined;

  constructor(limits: Pick<TransactionOptions, 'interval' | 'bytes'>) {
    this.limits = limits;
  }

  /** Of a member of that group. Permissions for its name are given by that of the group, which it begins with. */
  optionsFor(group: string): TransactionOptions {
    const { interval, bytes } = this.limits;
    return { name: `${group.slice(0, MAX_GROUP)}-${this.id}`, interval, bytes };
  }

  readBy(source: ConsumerGroup): void {
    this.source = source;
  }

  /** Never busy: how much waits is up to what may be in flight. */
  topic(name: string): TopicPort {
    return { write: (batch) => this.write(name, batch), idle: true, idle$: NEVER };
  }

  /**
   * The same for topics whose names come from messages. The gateway's own port to such a topic is open beside it, since the
   * gateway lets go of that once the topic is gone from the log: the next message gets another one, and so asks for the topic.
   */
  namedTopics(topics: NamedTopics): NamedTopics {
    const ports = new Map<string, { readonly own: NamedTopicPort; readonly port: NamedTopicPort }>();
    const open = (name: string) => {
      const own = topics.open(name);
      const known = ports.get(name);
      if (known?.own === own) return known.port;
      const port = { ...this.topic(name), pending: 0 };
      ports.set(name, { own, port });
      return port;
    };
    const close = (name: string) => {
      ports.delete(name);
      topics.close(name);
    };
    return { ...topics, open, close };
  }

  private write(name: string, batch: Batch): void {
    if (this.source !== undefined) this.source.write(name, batch);
    else
      batch.nack(new TidegateError('TG_CONFIG_INVALID', 'exactly_once needs a source that reads topics with a group'));
  }
}
