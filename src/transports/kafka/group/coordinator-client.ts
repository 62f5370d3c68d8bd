import { type Clock, type Mark, mark, sinceMark } from '../../../core/clock.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  PROTOCOL,
  type Subscription,
} from '../wire/assignment-protocol.ts';
import { brokerError, isRefused, KAFKA, kafkaCode } from '../wire/protocol-errors.ts';
import { assign, withoutHeld } from './sticky-assignor.ts';

const MEMBER_ID_REQUIRED = 79;

interface JoinAnswer {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** For the leader only. */
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface CoordinatorClientOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** In milliseconds. */
  readonly sessionTimeout: number;
  /** Shown to the other members. */
  readonly label?: string | undefined;
  readonly coPartitioned?: boolean | undefined;
}

/** What a member knows from its last assignment. */
export type LastAssignment = Pick<Subscription, 'owned' | 'counts' | 'ids'>;

/** A member's requests to the coordinator of its group: join, get partitions, send heartbeats, leave. */
export class CoordinatorClient {
  generation = -1;
  memberId = '';
  isLeader = false;
  /** Whether the last join was that of a new member: others may have had our partitions meanwhile. */
  joinedAnew = false;
  /** When the last request that the group has answered was sent. */
  private lastSeen: Mark | undefined;
  /** Topics that are asked for with the next join. */
  topics: readonly string[];
  private readonly options: CoordinatorClientOptions;
  private readonly coordination: Cluster;
  private readonly data: Cluster;
  private readonly clock: Clock;
  private coordinator: BrokerConnection | undefined;

  /** A join waits for every other member and blocks its socket meanwhile: `coordination` is for nothing else. */
  constructor(options: CoordinatorClientOptions, coordination: Cluster, data: Cluster, clock: Clock) {
    this.options = options;
    this.topics = options.topics;
    this.coordination = coordination;
    this.data = data;
    this.clock = clock;
  }

  /** Joins or joins again, and resolves with what it was assigned. Rejects with a broker's error, or one without answer. */
  async join({ owned, counts, ids }: LastAssignment): Promise<Assignment> {
    const { group, label, coPartitioned = false } = this.options;
    const { topics } = this;
    const coordinator = await this.find();
    this.joinedAnew = this.generation < 0;
    const { generation } = this;
    const joined = await this.ask(coordinator, { topics, owned, generation, counts, ids, label, coPartitioned });
    this.memberId = joined.memberId;
    this.isLeader = joined.leaderId === joined.memberId;
    const groupAssignment = this.isLeader ? await this.assignAll(joined) : [];
    const sentAt = mark(this.clock);
    const answer = await coordinator.request<{ memberAssignment: Buffer }>('SyncGroup', {
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment,
    });
    this.generation = joined.generationId;
    this.lastSeen = sentAt;
    return decodeAssignment(answer.memberAssignment);
  }

  async heartbeat(): Promise<void> {
    const coordinator = await this.find();
    const sentAt = mark(this.clock);
    await coordinator.request('Heartbeat', {
      groupId: this.options.group,
      groupGenerationId: this.generation,
      memberId: this.memberId,
    });
    this.lastSeen = sentAt;
  }

  get silentFor(): number {
    return this.lastSeen === undefined ? Number.POSITIVE_INFINITY : sinceMark(this.clock, this.lastSeen);
  }

  /** The broker has forgotten us: the next join is that of a new member. */
  forget(): void {
    this.memberId = '';
    this.generation = -1;
    this.lastSeen = undefined;
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
  private async assignAll(joined: JoinAnswer): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
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
    const { assigned, isPartial } = withoutHeld(members, assign(members, counts));
    const labels = members.flatMap(({ label }) => (label === undefined ? [] : [label]));
    return [...assigned].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: encodeAssignment({ partitions, counts, addedFrom, ids, recreated, members: labels, isPartial }),
    }));
  }
}
