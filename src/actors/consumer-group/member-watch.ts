import { Subscription } from 'rxjs';
import { describeGap } from '../../core/gap-words.ts';
import type { GroupEvent, GroupMember, TopicPartition } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MemberStatus, ReadReport } from '../../telemetry/read-report.ts';
import { tell } from '../lifecycle.ts';
import type { ConsumerGroupActor } from './machine.ts';

/** Follows a member of a group: reports its state to its machine, to the program log and to the gateway. */
export class MemberWatch implements MemberStatus {
  readonly group: string;
  readonly topics: readonly string[];
  state: MemberStatus['state'] = 'joining';
  partitions: readonly TopicPartition[] = [];
  private readonly actor: ConsumerGroupActor;
  private readonly logger: Logger;
  private readonly report: ReadReport | undefined;
  private member: Pick<GroupMember, 'lag'> | undefined;

  constructor(
    actor: ConsumerGroupActor,
    { group, topics }: Pick<MemberStatus, 'group' | 'topics'>,
    logger: Logger,
    report?: ReadReport,
  ) {
    this.actor = actor;
    this.group = group;
    this.topics = topics;
    this.logger = logger;
    this.report = report;
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.member?.lag() ?? new Map<string, ReadonlyMap<number, number>>();
  }

  follow(member: Pick<GroupMember, 'events$' | 'gaps$' | 'lag'>): Subscription[] {
    const { group, logger } = this;
    const { events$, gaps$ } = member;
    this.member = member;
    this.state = 'joining';
    this.partitions = [];
    this.report?.joined(this);
    return [
      new Subscription(() => this.report?.left(this)),
      events$.subscribe({ next: (event) => this.followed(event), error: (error) => this.fail(error) }),
      gaps$.subscribe((gap) => logger.error({ ...gap, group }, describeGap(gap))),
    ];
  }

  fail(reason: Error): void {
    const { actor, group, logger } = this;
    logger.warn({ group, error: reason }, `the member of ${group} failed and joins again: ${reason.message}`);
    tell(actor, { type: 'FAILED' });
  }

  private followed(event: GroupEvent): void {
    this.note(event);
    this.tell(event);
  }

  private note(event: GroupEvent): void {
    const { group, topics, report } = this;
    switch (event.type) {
      case 'assigned':
        this.state = 'stable';
        this.partitions = event.partitions;
        report?.ready({ group, topics, partitions: event.partitions.length });
        break;
      case 'failed':
        this.state = 'failed';
        this.partitions = [];
        report?.failed(event.reason, { group, topics });
        break;
      case 'left':
        report?.left(this);
        break;
      default:
        this.state = event.type;
    }
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
        logger.info(
          { group, generation, partitions: partitions.length },
          `the group ${group} assigned ${count} to this gateway`,
        );
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
