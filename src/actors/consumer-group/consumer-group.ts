import type { Observable, Subscription } from 'rxjs';
import { createActor } from 'xstate';
import type { Batch } from '../../core/batch.ts';
import { TidegateError } from '../../core/errors.ts';
import type { GroupState } from '../../core/group-state.ts';
import type { GroupMember, Log, TopicPartition, TransactionOptions } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ReadReport } from '../../telemetry/read-report.ts';
import { startActor, tell } from '../lifecycle.ts';
import type { TopicsSource } from '../matched-topics.ts';
import { BatchRelay } from '../relay.ts';
import { checkPartitions } from './co-partitioning.ts';
import { type ConsumerGroupActor, consumerGroupMachine } from './machine.ts';
import { MemberWatch } from './member-watch.ts';

export interface ConsumerGroupOptions {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: 'earliest' | 'latest';
  readonly logger: Logger;
  /** Called for each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
  readonly report?: ReadReport;
  /** Its user gives it what is stored in the transactions that commit. */
  readonly transactions?: TransactionOptions | undefined;
}

/** From joining the group to leaving it. */
interface JoinedMember {
  readonly actor: ConsumerGroupActor;
  readonly member: GroupMember;
  readonly following: Subscription[];
}

/** This gateway's member of a consumer group, as a source: partitions shared with the others, offsets committed after settle. */
export class ConsumerGroup implements TopicsSource {
  readonly batches$: Observable<Batch>;
  private readonly relay = new BatchRelay();
  private readonly options: ConsumerGroupOptions;
  private joined: JoinedMember | undefined;
  private state: GroupState | undefined;
  /** As the previous member knew them. */
  private topicIds: ReadonlyMap<string, string> = new Map();
  private topics: readonly string[];
  /** Topics that came later than the first ones: their records count from the first one on. */
  private readonly later = new Set<string>();

  constructor(options: ConsumerGroupOptions) {
    this.options = options;
    this.topics = options.topics;
    this.batches$ = this.relay.batches$;
  }

  /**
   * Joins as a new member: the log is open by then, and a pipeline that restarts comes back after `close`. Joining goes
   * on in the background: a group without partitions is no reason to wait.
   */
  async open(): Promise<void> {
    const { log, group, from, logger, report, transactions } = this.options;
    const { topics, later } = this;
    report?.opening(topics);
    const coPartitioned = this.state?.coPartitioned === true;
    if (coPartitioned) await checkPartitions(log.admin, topics);
    const actor = startActor(createActor(consumerGroupMachine), `consumer-group ${group}`, logger);
    const kept = {
      ...(this.state === undefined ? {} : { state: this.state }),
      ...(coPartitioned ? { coPartitioned } : {}),
      ...(later.size === 0 ? {} : { later: [...later] }),
      ...(transactions === undefined ? {} : { transactions }),
    };
    const member = log.group({ group, topics, from, topicIds: this.topicIds, ...kept });
    const following = new MemberWatch(actor, { group, topics }, logger, report).follow(member);
    this.joined = { actor, member, following };
    const batches = member.batches$.subscribe({
      next: (batch) => {
        this.options.polled(batch);
        this.relay.next(batch);
      },
      error: (error) => this.relay.error(error),
    });
    following.push(batches);
    if (coPartitioned) following.push(this.watchPartitions(member));
  }

  async read(topics: readonly string[], areNew: boolean): Promise<void> {
    if (areNew) for (const topic of topics) if (!this.topics.includes(topic)) this.later.add(topic);
    for (const topic of this.later) if (!topics.includes(topic)) this.later.delete(topic);
    this.topics = topics;
    if (this.joined === undefined || topics.length === 0) return;
    this.options.report?.opening(topics);
    this.joined.member.subscribe(topics, [...this.later]);
  }

  keepState(state: GroupState): (partition: TopicPartition) => number | undefined {
    this.state = state;
    return (partition) => this.joined?.member.sinceEnd(partition);
  }

  /** The group assigns partitions anew when there are others. */
  private watchPartitions({ events$ }: GroupMember): Subscription {
    const { log, topics } = this.options;
    return events$.subscribe(({ type }) => {
      if (type === 'assigned') checkPartitions(log.admin, topics).catch((error: unknown) => this.relay.error(error));
    });
  }

  /** Stores messages in the next transaction. */
  write(topic: string, { messages }: Batch): void {
    const { joined } = this;
    if (joined !== undefined) joined.member.write(topic, messages);
    else for (const message of messages) message.nack(new TidegateError('TG_STOPPING', 'the pipeline has stopped'));
  }

  pause(): void {
    if (this.joined === undefined) return;
    this.joined.member.pause();
    tell(this.joined.actor, { type: 'PAUSE' });
  }

  resume(): void {
    if (this.joined === undefined) return;
    this.joined.member.resume();
    tell(this.joined.actor, { type: 'RESUME' });
  }

  async close(): Promise<void> {
    const { joined } = this;
    if (joined === undefined) return;
    this.joined = undefined;
    tell(joined.actor, { type: 'DRAIN' });
    this.topicIds = joined.member.topicIds();
    await joined.member.leave();
    for (const subscription of joined.following) subscription.unsubscribe();
  }
}
