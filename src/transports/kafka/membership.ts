import type { Clock } from '../../core/clock.ts';
import {
  type Dealt,
  decodeDealt,
  decodeSubscription,
  encodeDealt,
  encodeSubscription,
  PROTOCOL,
  type Subscription,
} from './assignment-protocol.ts';
import type { Cluster } from './cluster.ts';
import type { BrokerConnection } from './connection.ts';
import { brokerError, isRefused, KAFKA, kafkaCode } from './protocol-errors.ts';
import { assignSticky, withoutHeld } from './sticky-assignor.ts';

const MEMBER_ID_REQUIRED = 79;

interface JoinAnswer {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** For the leader only. */
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface MembershipOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** In milliseconds. */
  readonly sessionTimeout: number;
  /** What the other members are told. */
  readonly label?: string | undefined;
}

/** What a member knows from the last deal. */
export type Known = Pick<Subscription, 'owned' | 'counts' | 'ids'>;

/** Being a member of a consumer group, as far as the broker is concerned: join, be dealt partitions, show life, leave. */
export class Membership {
  generation = -1;
  memberId = '';
  isLeader = false;
  /** Whether the last join was that of a newcomer: others may have had our partitions meanwhile. */
  joinedAnew = false;
  /** When the last request that the group has answered was sent, in milliseconds of the clock. */
  lastSeen = Number.NEGATIVE_INFINITY;
  private readonly options: MembershipOptions;
  private readonly coordination: Cluster;
  private readonly data: Cluster;
  private readonly clock: Clock;
  private coordinator: BrokerConnection | undefined;

  /** A join waits for every other member and blocks its socket meanwhile: `coordination` is for nothing else. */
  constructor(options: MembershipOptions, coordination: Cluster, data: Cluster, clock: Clock) {
    this.options = options;
    this.coordination = coordination;
    this.data = data;
    this.clock = clock;
  }

  /** Joins or joins again, and resolves with what it was dealt. Rejects with a broker's error, or one without answer. */
  async join({ owned, counts, ids }: Known): Promise<Dealt> {
    const { group, topics, label } = this.options;
    const coordinator = await this.find();
    this.joinedAnew = this.generation < 0;
    const joined = await this.ask(coordinator, { topics, owned, generation: this.generation, counts, ids, label });
    this.memberId = joined.memberId;
    this.isLeader = joined.leaderId === joined.memberId;
    const deal = this.isLeader ? await this.deal(joined) : [];
    const sentAt = this.clock.now();
    const answer = await coordinator.request<{ memberAssignment: Buffer }>('SyncGroup', {
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: deal,
    });
    this.generation = joined.generationId;
    this.lastSeen = sentAt;
    return decodeDealt(answer.memberAssignment);
  }

  async heartbeat(): Promise<void> {
    const coordinator = await this.find();
    const sentAt = this.clock.now();
    await coordinator.request('Heartbeat', {
      groupId: this.options.group,
      groupGenerationId: this.generation,
      memberId: this.memberId,
    });
    this.lastSeen = sentAt;
  }

  /** The broker has forgotten us: the next join is that of a newcomer. */
  forget(): void {
    this.memberId = '';
    this.generation = -1;
    this.lastSeen = Number.NEGATIVE_INFINITY;
  }

  /** The coordinator is looked up anew. */
  lose(): void {
    this.coordinator = undefined;
  }

  async leave(): Promise<void> {
    if (this.memberId === '') return;
    const coordinator = await this.data.coordinator(this.options.group);
    await coordinator.request('LeaveGroup', { groupId: this.options.group, memberId: this.memberId });
  }

  private async find(): Promise<BrokerConnection> {
    if (this.coordinator?.isUsable !== true) {
      this.coordinator = await this.coordination.coordinator(this.options.group);
    }
    return this.coordinator;
  }

  private async ask(coordinator: BrokerConnection, subscription: Subscription): Promise<JoinAnswer> {
    const { group, sessionTimeout } = this.options;
    const join = (memberId: string) =>
      coordinator.request<JoinAnswer>('JoinGroup', {
        groupId: group,
        sessionTimeout,
        rebalanceTimeout: sessionTimeout,
        memberId,
        protocolType: 'consumer',
        groupProtocols: [{ name: PROTOCOL, metadata: encodeSubscription(subscription) }],
      });
    try {
      return await join(this.memberId);
    } catch (error) {
      if (kafkaCode(error) !== MEMBER_ID_REQUIRED) throw error;
      return await join((error as { memberId: string }).memberId);
    }
  }

  /** The leader's part: what each member gets. */
  private async deal(joined: JoinAnswer): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const members = joined.members.map(({ memberId, memberMetadata }) => ({
      id: memberId,
      ...decodeSubscription(memberMetadata),
    }));
    const topics = [...new Set(members.flatMap((member) => member.topics))].sort();
    await this.data.refresh(topics);
    const counts = new Map<string, number>();
    const addedFrom = new Map<string, number>();
    const ids = new Map<string, string>();
    const recreated = new Map<string, string>();
    for (const topic of topics) {
      const view = this.data.topic(topic);
      if (view !== undefined && isRefused(view.code)) throw brokerError(view.code);
      const count = view?.code === KAFKA.NONE ? view.partitions.length : 0;
      const before = Math.max(-1, ...members.map((member) => member.counts.get(topic) ?? -1));
      counts.set(topic, count);
      if (before >= 0 && before < count) addedFrom.set(topic, before);
      const known = members.flatMap((member) => member.ids.get(topic) ?? []);
      // A topic that is gone keeps its id here, so that the next one of its name is known for another.
      const id = (view?.code === KAFKA.NONE ? view.id : undefined) ?? known[0];
      if (id === undefined) continue;
      ids.set(topic, id);
      const gone = known.find((one) => one !== id);
      if (gone !== undefined) recreated.set(topic, gone);
    }
    const { dealt, isPartial } = withoutHeld(members, assignSticky(members, counts));
    const labels = members.flatMap(({ label }) => (label === undefined ? [] : [label]));
    return [...dealt].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: encodeDealt({ partitions, counts, addedFrom, ids, recreated, members: labels, isPartial }),
    }));
  }
}
