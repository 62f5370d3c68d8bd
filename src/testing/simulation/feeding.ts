import { type GatewayConfig, type PipelineConfig, sourcesOf } from '../../config/index.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { ownEntry } from '../../core/own-entry.ts';
import type { Activity } from './activity.ts';
import { FedRecords, Inbox } from './inbox.ts';
import type { MemoryLog } from './memory-log.ts';
import { type Fed, FedMessage, type InputMessage, messageOf } from './messages.ts';
import type { TestClock } from './test-clock.ts';

export interface FeedingParts {
  readonly config: GatewayConfig;
  readonly clock: TestClock;
  readonly log: MemoryLog;
  readonly activity: Activity;
  /** The gateway that runs now: what one before it settles does not count. */
  readonly life: () => unknown;
}

/** What a test has put into pipelines, and where it is. */
export class Feeding {
  private readonly parts: FeedingParts;
  private readonly inboxes = new Map<string, Inbox>();
  private readonly records = new Map<string, FedRecords>();
  /** Messages that were put into sources. */
  private readonly given = new WeakMap<Message, FedMessage>();

  constructor(parts: FeedingParts) {
    this.parts = parts;
  }

  /** Throws TG_CONFIG_INVALID where there is no such pipeline, and TG_MESSAGE_INVALID for a message that cannot be. */
  feed(pipeline: string, messages: readonly InputMessage[]): readonly Fed[] {
    const settings = ownEntry(this.parts.config.pipelines, pipeline);
    if (settings === undefined)
      throw new TidegateError('TG_CONFIG_INVALID', `there is no pipeline ${pipeline} in the configuration`);
    this.parts.activity.moved();
    const fed = messages.map((message) => new FedMessage(message));
    const sources = sourcesOf(settings).map(({ chosen }) => chosen.spec.name);
    const isOfTopic = ({ message }: FedMessage) =>
      sources.includes('topic') && (message.topic !== undefined || sources[0] === 'topic');
    for (const [topic, ofTopic] of byTopic(settings, fed.filter(isOfTopic), pipeline))
      this.feedTopic(pipeline, topic, ofTopic);
    const others = fed.filter((one) => !isOfTopic(one));
    if (others.length === 0) return fed;
    const at = sources.findIndex((name) => name !== 'topic');
    this.inbox(pipeline, at).put(others.map((one) => this.inboxMessage(one)));
    return fed;
  }

  /** Where messages for a source wait that reads no topics. */
  inbox(pipeline: string, at: number): Inbox {
    const id = `${pipeline}/${at}`;
    const inbox = this.inboxes.get(id) ?? new Inbox();
    this.inboxes.set(id, inbox);
    return inbox;
  }

  /** What was put into the topics of a pipeline for it. */
  recordsOf(pipeline: string): FedRecords {
    const records = this.records.get(pipeline) ?? new FedRecords();
    this.records.set(pipeline, records);
    return records;
  }

  /** Which message was fed that this one is made of; undefined where that is none, or not known. */
  readonly fedOf = (message: Message): Fed | undefined => {
    const source = message.source ?? message;
    const given = this.given.get(source);
    if (given !== undefined || source.topic === undefined) return given;
    for (const records of this.records.values()) {
      const fed = records.find(source);
      if (fed !== undefined) return fed;
    }
    return undefined;
  };

  private inboxMessage(fed: FedMessage): Message {
    const { activity, clock, life } = this.parts;
    const begun = life();
    const made = messageOf(fed.message, clock.now(), {
      target: {
        settled: (message, failure) => {
          activity.moved();
          if (begun === life()) fed.settled(failure, message.outcome);
        },
      },
    });
    this.given.set(made, fed);
    return made;
  }

  private feedTopic(pipeline: string, topic: string, fed: readonly FedMessage[]): void {
    const { activity, clock, log } = this.parts;
    const messages = fed.map(({ message }) => messageOf(message, clock.now()));
    const records = this.recordsOf(pipeline);
    const work = activity.begins(() => false);
    log
      .append(topic, messages)
      .then(
        () => {
          for (const [at, message] of messages.entries()) records.add(message, fed[at] as FedMessage);
        },
        (error: unknown) => {
          for (const one of fed) one.refused(asTidegateError(error, 'TG_LOG_UNAVAILABLE'));
        },
      )
      .finally(() => work.end());
  }
}

/** The topic of each message: its own, else the first that the pipeline's source names. */
function byTopic(
  settings: PipelineConfig,
  fed: readonly FedMessage[],
  pipeline: string,
): ReadonlyMap<string, readonly FedMessage[]> {
  const [first] = sourcesOf(settings)
    .flatMap(({ chosen: { spec, config } }) => spec.references?.(config) ?? [])
    .flatMap(({ to, name }) => (to === 'topic' ? [name] : []));
  const groups = new Map<string, FedMessage[]>();
  for (const one of fed) {
    const topic = one.message.topic ?? first;
    if (topic === undefined)
      throw new TidegateError(
        'TG_CONFIG_INVALID',
        `pipelines.${pipeline} reads topics by a pattern; each message needs a topic`,
      );
    const group = groups.get(topic);
    if (group === undefined) groups.set(topic, [one]);
    else group.push(one);
  }
  return groups;
}
