import type { Subscription } from 'rxjs';
import type { GroupEvent, GroupMember } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { describeGap } from '../gap-words.ts';
import { tell } from '../lifecycle.ts';
import type { ConsumerGroupActor } from './machine.ts';

/** Shows in a machine and in the gateway's own log how a member of a group fares. */
export class MemberWatch {
  private readonly actor: ConsumerGroupActor;
  private readonly group: string;
  private readonly logger: Logger;

  constructor(actor: ConsumerGroupActor, group: string, logger: Logger) {
    this.actor = actor;
    this.group = group;
    this.logger = logger;
  }

  follow({ events$, gaps$ }: Pick<GroupMember, 'events$' | 'gaps$'>): Subscription[] {
    const { group, logger } = this;
    return [
      events$.subscribe({ next: (event) => this.tell(event), error: (error) => this.fail(error) }),
      gaps$.subscribe((gap) => logger.error({ ...gap, group }, describeGap(gap))),
    ];
  }

  fail(reason: Error): void {
    const { actor, group, logger } = this;
    logger.warn({ group, error: reason }, `the member of ${group} failed and joins again: ${reason.message}`);
    tell(actor, { type: 'FAILED' });
  }

  private tell(event: GroupEvent): void {
    const { actor, group, logger } = this;
    if (actor.getSnapshot().status !== 'active') return;
    switch (event.type) {
      case 'joining':
        tell(actor, { type: 'JOINING' });
        break;
      case 'assigned': {
        const { generation, partitions } = event;
        const count = partitions.length === 1 ? '1 partition' : `${partitions.length} partitions`;
        logger.info({ group, generation, partitions: partitions.length }, `the group ${group} gave us ${count}`);
        tell(actor, { type: 'ASSIGNED' });
        break;
      }
      case 'rebalancing':
        tell(actor, { type: 'REBALANCING' });
        break;
      case 'failed':
        this.fail(event.reason);
        break;
      case 'left':
        tell(actor, { type: 'LEFT' });
        break;
    }
  }
}
