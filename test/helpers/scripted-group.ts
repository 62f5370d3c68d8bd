import { type Assignment, encodeAssignment } from '../../src/transports/kafka/wire/assignment-protocol.ts';
import { brokerError, KAFKA } from '../../src/transports/kafka/wire/protocol-errors.ts';

interface FromMember {
  readonly memberId: string;
  readonly groupGenerationId: number;
}

interface Join {
  readonly memberId: string;
  readonly groupProtocols: readonly { readonly metadata: Buffer }[];
}

interface Sync {
  readonly memberId: string;
  readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
}

interface Commit extends FromMember {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[];
  }[];
}

const NOTHING_ASSIGNED: Assignment = {
  partitions: [],
  counts: new Map(),
  addedFrom: new Map(),
  ids: new Map(),
  recreated: new Map(),
  members: [],
  isPartial: false,
};

/** A coordinator with one member of ours. Others are there only in what they do to it. */
export class ScriptedGroup {
  generation = 0;
  /** The member that the group knows; none at first, and after it was expired. */
  memberId = '';
  /** By `topic/partition`. */
  readonly committed = new Map<string, { offset: number; metadata: string }>();
  /** What another member, which leads then, assigns to ours. Ours leads where it is left out. */
  assignment: Partial<Assignment> | undefined;
  hasLeft = false;
  private isRebalancing = false;
  private serial = 0;

  /** Others come or go: ours has to join again. */
  rebalance(): void {
    this.isRebalancing = true;
  }

  /** Ours was silent for too long. */
  expire(): void {
    this.memberId = '';
    this.generation += 1;
  }

  join({ memberId, groupProtocols }: Join) {
    if (memberId !== '' && memberId !== this.memberId) throw brokerError(KAFKA.UNKNOWN_MEMBER_ID);
    this.memberId = memberId || `member-${++this.serial}`;
    this.generation += 1;
    this.isRebalancing = false;
    const isLeader = this.assignment === undefined;
    const memberMetadata = groupProtocols[0]?.metadata ?? Buffer.alloc(0);
    return {
      generationId: this.generation,
      memberId: this.memberId,
      leaderId: isLeader ? this.memberId : 'another',
      members: isLeader ? [{ memberId: this.memberId, memberMetadata }] : [],
    };
  }

  sync({ memberId, groupAssignment }: Sync) {
    const own = groupAssignment.find((one) => one.memberId === memberId)?.memberAssignment;
    const memberAssignment =
      this.assignment === undefined
        ? (own ?? Buffer.alloc(0))
        : encodeAssignment({ ...NOTHING_ASSIGNED, ...this.assignment });
    return { memberAssignment };
  }

  heartbeat(request: FromMember): void {
    this.check(request);
    if (this.isRebalancing) throw brokerError(KAFKA.REBALANCE_IN_PROGRESS);
  }

  commit(request: Commit): void {
    this.check(request);
    for (const { topic, partitions } of request.topics)
      for (const { partition, offset, metadata } of partitions)
        this.committed.set(`${topic}/${partition}`, { offset: Number(offset), metadata });
  }

  offsets({ topics }: { topics: { topic: string; partitions: { partition: number }[] }[] }) {
    const responses = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => {
        const { offset, metadata } = this.committed.get(`${topic}/${partition}`) ?? { offset: -1, metadata: '' };
        return { partition, offset: String(offset), metadata };
      }),
    }));
    return { responses };
  }

  leave({ memberId }: { memberId: string }): void {
    if (memberId !== this.memberId) throw brokerError(KAFKA.UNKNOWN_MEMBER_ID);
    this.memberId = '';
    this.hasLeft = true;
  }

  private check({ memberId, groupGenerationId }: FromMember): void {
    if (memberId !== this.memberId) throw brokerError(KAFKA.UNKNOWN_MEMBER_ID);
    if (groupGenerationId !== this.generation) throw brokerError(KAFKA.ILLEGAL_GENERATION);
  }
}
