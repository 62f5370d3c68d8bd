import type { Observable, Subscription } from 'rxjs';
import { createActor } from 'xstate';
import type { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import type { GroupMember, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { startActor, tell } from '../lifecycle.ts';
import { BatchRelay } from '../relay.ts';
import { type ConsumerGroupActor, consumerGroupMachine } from './machine.ts';
import { MemberWatch } from './member-watch.ts';

export interface ConsumerGroupOptions {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: 'earliest' | 'latest';
  readonly logger: Logger;
  /** Told of each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
}

/** One stay in the group. */
interface Membership {
  readonly actor: ConsumerGroupActor;
  readonly member: GroupMember;
  readonly following: Subscription[];
}

/** This gateway's member of a consumer group, as a source: partitions shared with the others, offsets committed after settle. */
export class ConsumerGroup implements Source {
  readonly batches$: Observable<Batch>;
  private readonly relay = new BatchRelay();
  private readonly options: ConsumerGroupOptions;
  private joined: Membership | undefined;
  /** As the member before knew them. */
  private topicIds: ReadonlyMap<string, string> = new Map();

  constructor(options: ConsumerGroupOptions) {
    this.options = options;
    this.batches$ = this.relay.batches$;
  }

  /**
   * Joins as a new member: the log is open by then, and a pipeline that restarts comes back after `close`. Joining goes
   * on in the background: a group without partitions is no reason to wait.
   */
  async open(): Promise<void> {
    const { log, group, topics, from, logger } = this.options;
    const actor = startActor(createActor(consumerGroupMachine), `consumer-group ${group}`, logger);
    const member = log.group({ group, topics, from, topicIds: this.topicIds });
    const following = new MemberWatch(actor, group, logger).follow(member);
    this.joined = { actor, member, following };
    const batches = member.batches$.subscribe({
      next: (batch) => {
        this.options.polled(batch);
        this.relay.next(batch);
      },
      error: (error) => this.relay.error(error),
    });
    following.push(batches);
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
