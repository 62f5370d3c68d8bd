import { TidegateError } from '../core/errors.ts';
import type { TopicSpec } from '../core/log.ts';
import type { TopicResult, TopicView } from '../core/topic-request.ts';
import type { PartContext } from '../telemetry/part-context.ts';
import { KeptViews } from './kept-views.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rights } from './rights.ts';
import type { TopicSettings } from './settings.ts';
import type { TopicLooks } from './topic-looks.ts';
import { demandWithin, type TopicMaxima } from './topic-maxima.ts';
import type { Visit } from './visit.ts';

export interface ClientTopicsParts {
  readonly looks: TopicLooks;
  readonly rights: Rights;
  readonly maxima: TopicMaxima;
  /** Called for each topic that exists now. */
  readonly created: (name: string) => void;
}

type ListedView = Extract<TopicView, { type: 'listed' }>;

/** The topics of the log as clients see them: those that they may read or write, and what they create. */
export class ClientTopics {
  private readonly context: Pick<PartContext, 'log' | 'clock' | 'logger'>;
  private readonly settings: Pick<TopicSettings, 'creates_per_minute'>;
  private readonly parts: ClientTopicsParts;
  private readonly creates: RateLimit;
  /** What clients who may read and write the same were shown last. */
  private readonly listed = new KeptViews<ListedView>('read', 'write');

  constructor(
    context: Pick<PartContext, 'log' | 'clock' | 'logger'>,
    settings: Pick<TopicSettings, 'creates_per_minute'>,
    parts: ClientTopicsParts,
  ) {
    this.context = context;
    this.settings = settings;
    this.parts = parts;
    this.creates = new RateLimit(settings.creates_per_minute, context.clock);
  }

  /** Rejects with TG_NOT_ALLOWED, TG_LIMIT_REACHED, or what the log has against one of them. */
  async create(visit: Visit, topics: readonly TopicSpec[]): Promise<TopicResult> {
    const { looks, rights, maxima } = this.parts;
    for (const topic of topics) {
      rights.demand(visit.client.permissions, 'create', topic.name, `creating the topic ${topic.name}`);
      demandWithin(topic, maxima);
    }
    // Clients that create their topics whenever they connect find most of them there after a restart.
    const existing = await looks.fresh();
    await this.createMissing(
      visit.client.address,
      topics.filter(({ name }) => !existing.has(name)),
    );
    return { type: 'created', topics: topics.map(({ name }) => name) };
  }

  private async createMissing(address: string, topics: readonly TopicSpec[]): Promise<void> {
    const { log, logger } = this.context;
    if (!this.creates.has(address, topics.length))
      throw new TidegateError(
        'TG_LIMIT_REACHED',
        `clients of one address may create ${this.settings.creates_per_minute} topics a minute here; try again later`,
      );
    // Taken for all of them now, because other connections of this client may create topics meanwhile.
    const taken = this.creates.take(address, topics.length);
    for (const topic of topics) {
      if (await log.admin.create(topic)) logger.info({ topic: topic.name }, `a client created the topic ${topic.name}`);
      else this.creates.giveBack(address, taken);
      this.parts.created(topic.name);
    }
  }

  /** The same object until the topics change: an answer may be megabytes long, and is encoded once. */
  async list({ client: { permissions } }: Visit): Promise<TopicView> {
    const { looks, rights } = this.parts;
    const topics: { topic: string; partitions: number }[] = [];
    for (const [topic, partitions] of await looks.recent())
      if (rights.has(permissions, 'read', topic) || rights.has(permissions, 'write', topic))
        topics.push({ topic, partitions });
    topics.sort((one, other) => (one.topic < other.topic ? -1 : 1));
    const last = this.listed.of(permissions);
    if (last !== undefined && areEqual(topics, last.topics)) return last;
    return this.listed.keep(permissions, { type: 'listed', topics });
  }
}

function areEqual(some: ListedView['topics'], others: ListedView['topics']): boolean {
  return (
    some.length === others.length &&
    some.every(({ topic, partitions }, at) => topic === others[at]?.topic && partitions === others[at].partitions)
  );
}
