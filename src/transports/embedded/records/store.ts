import { randomInt } from 'node:crypto';
import { CommittedOffsets } from './committed-offsets.ts';
import type { Records } from './records.ts';
import type { StoredTopic, Tables } from './tables.ts';
import type { TopicState } from './topic-state.ts';

/** What `randomInt` can draw from at most. */
const MAX_IDENTITY = 2 ** 48 - 1;

/** The topics of the log, and how they come and go; what they hold is in `records`, how far groups have come in `offsets`. */
export class Store {
  readonly topics = new Map<string, TopicState>();
  readonly records: Records;
  readonly offsets: CommittedOffsets;
  /** Called when topics or partitions are added or removed. */
  readonly watchers = new Set<() => void>();
  private readonly environment: Tables;

  /** `records`: what reads and writes the batches of these tables. */
  constructor(tables: Tables, records: Records) {
    this.environment = tables;
    this.records = records;
    this.offsets = new CommittedOffsets(this.environment);
    for (const { key, value } of this.environment.topics.getRange()) this.load(key, value);
  }

  async close(): Promise<void> {
    await this.environment.close();
  }

  /** Tells this log from every other one, also from one that was at the same path before. */
  async identity(): Promise<number> {
    const { counts } = this.environment;
    const known = counts.get('log');
    if (known !== undefined) return known;
    return this.environment.transact(() => {
      const drawn = counts.get('log') ?? randomInt(MAX_IDENTITY);
      counts.putSync('log', drawn);
      return drawn;
    });
  }

  /** Undefined when there is a topic of that name. */
  async createTopic(
    name: string,
    partitions: number,
    config: Readonly<Record<string, string>>,
  ): Promise<TopicState | undefined> {
    const { topics, counts } = this.environment;
    const stored = await this.environment.transact(() => {
      if (topics.get(name) !== undefined) return undefined;
      const topic: StoredTopic = { id: (counts.get('topics') ?? 0) + 1, partitions, config };
      counts.putSync('topics', topic.id);
      topics.putSync(name, topic);
      for (let index = 0; index < partitions; index += 1) this.records.create(topic.id, index);
      return topic;
    });
    if (stored === undefined) return undefined;
    const topic = this.load(name, stored);
    this.changed();
    return topic;
  }

  async addPartitions(topic: TopicState, total: number): Promise<void> {
    const { id, name, config } = topic;
    const { topics } = this.environment;
    await this.environment.transact(() => {
      const stored = topics.get(name);
      if (stored === undefined || stored.id !== id) return;
      for (let index = stored.partitions; index < total; index += 1) this.records.create(id, index);
      topics.putSync(name, { id, config, partitions: Math.max(total, stored.partitions) });
    });
    while (topic.partitions.length < total) topic.partitions.push(this.records.load(topic, topic.partitions.length));
    this.changed();
  }

  async deleteTopic(topic: TopicState): Promise<void> {
    const { id, name } = topic;
    await this.environment.transact(() => {
      this.environment.topics.removeSync(name);
      for (const partition of topic.partitions) this.records.shut(partition);
    });
    topic.deleted = true;
    if (this.topics.get(name) === topic) this.topics.delete(name);
    this.changed();
    for (const { watchers } of topic.partitions) notify(watchers);
    await this.removeRemains(id);
  }

  /** Finishes deletions that a crash cut short. */
  async removeOrphans(): Promise<void> {
    const live = new Set([...this.topics.values()].map(({ id }) => id));
    const known = this.environment.counts.get('topics') ?? 0;
    for (let id = 1; id <= known; id += 1) {
      if (!live.has(id)) await this.removeRemains(id);
    }
  }

  private async removeRemains(id: number): Promise<void> {
    await this.records.removeTopic(id);
    await this.offsets.removeTopic(id);
  }

  private load(name: string, { id, config, partitions }: StoredTopic): TopicState {
    const topic: TopicState = { id, name, config, partitions: [], deleted: false };
    for (let index = 0; index < partitions; index += 1) topic.partitions.push(this.records.load(topic, index));
    this.topics.set(name, topic);
    return topic;
  }

  private changed(): void {
    this.environment.refresh();
    notify(this.watchers);
  }
}

function notify(watchers: ReadonlySet<() => void>): void {
  for (const watcher of watchers) watcher();
}
