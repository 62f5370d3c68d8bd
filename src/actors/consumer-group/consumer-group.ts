import { type Observable, tap } from 'rxjs';
import { createActor } from 'xstate';
import type { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import type { GroupEvent, GroupMember, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { startActor, tell } from '../lifecycle.ts';
import { type ConsumerGroupActor, consumerGroupMachine } from './machine.ts';

export interface ConsumerGroupOptions {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: 'earliest' | 'latest';
  readonly logger: Logger;
  /** Told of each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
}

/** This gateway's member of a consumer group, as a source: partitions shared with the others, offsets committed after settle. */
export class ConsumerGroup implements Source {
  readonly batches$: Observable<Batch>;
  readonly actor: ConsumerGroupActor;
  private readonly member: GroupMember;
  private readonly options: ConsumerGroupOptions;

  constructor(options: ConsumerGroupOptions) {
    const { log, group, topics, from, logger } = options;
    this.options = options;
    this.actor = startActor(createActor(consumerGroupMachine), `consumer-group ${group}`, logger);
    this.member = log.group({ group, topics, from });
    this.batches$ = this.member.batches$.pipe(tap((batch) => options.polled(batch)));
    this.member.events$.subscribe({ next: (event) => this.follow(event), error: (error) => this.fail(error) });
    this.member.gaps$.subscribe((gap) =>
      logger.error(
        { ...gap, group },
        `records ${gap.from}-${gap.to - 1} of ${gap.topic}/${gap.partition} were gone before they could be read`,
      ),
    );
  }

  /** Joining goes on in the background: a group without partitions is no reason to wait. */
  async open(): Promise<void> {}

  pause(): void {
    this.member.pause();
    tell(this.actor, { type: 'PAUSE' });
  }

  resume(): void {
    this.member.resume();
    tell(this.actor, { type: 'RESUME' });
  }

  async close(): Promise<void> {
    if (this.actor.getSnapshot().status !== 'active') return;
    tell(this.actor, { type: 'DRAIN' });
    await this.member.leave();
  }

  private follow(event: GroupEvent): void {
    if (this.actor.getSnapshot().status !== 'active') return;
    const { group, logger } = this.options;
    switch (event.type) {
      case 'joining':
        tell(this.actor, { type: 'JOINING' });
        break;
      case 'assigned':
        logger.info(
          { group, generation: event.generation, partitions: event.partitions.length },
          `the group ${group} gave us ${event.partitions.length} partitions`,
        );
        tell(this.actor, { type: 'ASSIGNED' });
        break;
      case 'rebalancing':
        tell(this.actor, { type: 'REBALANCING' });
        break;
      case 'failed':
        this.fail(event.reason);
        break;
      case 'left':
        tell(this.actor, { type: 'LEFT' });
        break;
    }
  }

  private fail(reason: Error): void {
    this.options.logger.warn(
      { group: this.options.group, error: reason },
      `the member of ${this.options.group} failed and joins again: ${reason.message}`,
    );
    tell(this.actor, { type: 'FAILED' });
  }
}
