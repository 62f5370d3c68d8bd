import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { LogAdmin, TopicSpec } from '../../core/log.ts';
import type { TopicResult } from '../../core/topic-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Rights } from './rights.ts';
import type { Visit } from './visit.ts';

export interface ClientTopicsOptions {
  readonly admin: Pick<LogAdmin, 'create' | 'topics'>;
  readonly rights: Rights;
  /** Topics that one client may create in a minute. */
  readonly createsPerMinute: number;
  /** A topic exists now. */
  readonly created: (name: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MINUTE = 60_000;

/** The topics of the log as clients see them: those that they may read or write, and what they create. */
export class ClientTopics {
  private readonly options: ClientTopicsOptions;

  constructor(options: ClientTopicsOptions) {
    this.options = options;
  }

  /** Rejects with TG_NOT_ALLOWED, TG_LIMIT_REACHED, or what the log has against one of them. */
  async create(visit: Visit, topics: readonly TopicSpec[]): Promise<TopicResult> {
    const { admin, rights, createsPerMinute, created, clock, logger } = this.options;
    for (const { name } of topics) rights.demand('create', name, `creating the topic ${name}`);
    visit.created = visit.created.filter((time) => clock.now() - time < MINUTE);
    if (visit.created.length + topics.length > createsPerMinute)
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `a client may create ${createsPerMinute} topics a minute here; try again later`,
      );
    for (const topic of topics) {
      visit.created.push(clock.now());
      if (await admin.create(topic)) logger.info({ topic: topic.name }, `a client created the topic ${topic.name}`);
      created(topic.name);
    }
    return { type: 'created', topics: topics.map(({ name }) => name) };
  }

  async list(): Promise<TopicResult> {
    const { admin, rights } = this.options;
    const shown = [...(await admin.topics())].filter(([name]) => rights.has('read', name) || rights.has('write', name));
    const partitions = shown
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
    return { type: 'listed', partitions };
  }
}
