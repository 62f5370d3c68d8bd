import type { Clock } from '../../../core/clock.ts';
import { TidegateError } from '../../../core/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Assignment } from '../wire/assignment-protocol.ts';
import { KAFKA, kafkaCode, logError } from '../wire/protocol-errors.ts';
import type { CoordinatorClient, LastAssignment } from './coordinator-client.ts';

const HEARTBEAT_INTERVAL = 1_000;
const INITIAL_PAUSE = 100;
const MAX_PAUSE = 1_000;
/** Between two heartbeats while a part of the partitions is still to be assigned. */
const SHORT_HEARTBEAT_INTERVAL = 100;
/** After a refusal that needs an operator. */
const REFUSED_PAUSE = 5_000;

/** Answers that waiting alone does not change. */
const REFUSALS: ReadonlySet<number> = new Set([
  KAFKA.GROUP_AUTHORIZATION_FAILED,
  KAFKA.TOPIC_AUTHORIZATION_FAILED,
  KAFKA.INVALID_TOPIC,
  KAFKA.INCONSISTENT_GROUP_PROTOCOL,
  KAFKA.INVALID_SESSION_TIMEOUT,
  KAFKA.INVALID_GROUP_ID,
]);

/** What the owner of the partitions does as the member joins, stays and is dropped. */
export interface Participant {
  readonly known: LastAssignment;
  /**
   * Takes a new assignment; what it throws makes the member join again. Resolves with whether others wait for partitions
   * that were let go of: they are assigned when this member joins again.
   */
  adopt(assignment: Assignment): Promise<boolean>;
  /** Other members come or go; commits what is settled, so that the next owner does not read it again. */
  rebalancing(): Promise<void>;
  /** The broker has dropped us, and may have assigned our partitions to others. */
  dropped(): Promise<void>;
  /** Joining is refused for a reason that needs an operator; it is tried again all the same. */
  failed(reason: TidegateError): void;
  /** Whether a topic has other partitions than were assigned, or is another one. */
  sawNewPartitions(): boolean;
}

export interface ParticipationOptions {
  readonly group: string;
  readonly sessionTimeout: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Joins the group, sends heartbeats, and joins again when it has to, until it is stopped. */
export class Participation {
  private readonly coordinator: CoordinatorClient;
  private readonly participant: Participant;
  private readonly options: ParticipationOptions;
  private stopped = false;
  private mustJoin = false;
  private wake: (() => void) | undefined;

  constructor(coordinator: CoordinatorClient, participant: Participant, options: ParticipationOptions) {
    this.coordinator = coordinator;
    this.participant = participant;
    this.options = options;
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  /** Joins again, in order to ask for other topics. */
  rejoin(): void {
    this.mustJoin = true;
    this.wake?.();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    let pause = INITIAL_PAUSE;
    while (!this.stopped) {
      this.mustJoin = false;
      try {
        const assignment = await this.coordinator.join(this.participant.known);
        if (this.stopped) return;
        const hasLetGo = await this.participant.adopt(assignment);
        pause = INITIAL_PAUSE;
        if (!hasLetGo) await this.sendHeartbeats(assignment.isPartial);
        if (!this.stopped) await this.participant.rebalancing();
      } catch (error) {
        const wait = await this.reactTo(error, pause);
        pause = Math.min(pause * 2, MAX_PAUSE);
        if (wait > 0) await this.wait(wait);
      }
    }
  }

  /** Resolves when the group has to be joined again. */
  private async sendHeartbeats(isPartial: boolean): Promise<void> {
    const interval = isPartial
      ? SHORT_HEARTBEAT_INTERVAL
      : Math.min(HEARTBEAT_INTERVAL, this.options.sessionTimeout / 3);
    while (!this.stopped && !this.mustRebalance()) {
      await this.wait(interval);
      if (this.stopped || this.mustJoin) return;
      try {
        await this.coordinator.heartbeat();
      } catch (error) {
        const code = kafkaCode(error);
        if (code === KAFKA.REBALANCE_IN_PROGRESS) return;
        if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) throw error;
        // The broker is away or the coordinator has moved; that alone is no reason to disturb the group.
        this.coordinator.lose();
      }
    }
  }

  /** Only the leader sees to new partitions: that another member joins again changes nothing of them. */
  private mustRebalance(): boolean {
    if (this.mustJoin) return true;
    return this.coordinator.isLeader && this.participant.sawNewPartitions();
  }

  /** Returns how long to wait before the next join, in milliseconds. */
  private async reactTo(error: unknown, pause: number): Promise<number> {
    if (this.stopped) return 0;
    const code = kafkaCode(error);
    const { group, logger } = this.options;
    logger.debug({ group, code, reason: String(error) }, `group ${group}: joining again`);
    if (code === KAFKA.REBALANCE_IN_PROGRESS) return 0;
    if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) {
      this.coordinator.forget();
      await this.participant.dropped();
      return 0;
    }
    this.coordinator.lose();
    if (code === undefined || !REFUSALS.has(code)) return pause;
    const failure = logError(error, `group ${group}`);
    const reason =
      failure.code === 'TG_NOT_AUTHORIZED' ? failure : new TidegateError('TG_GROUP_FAILED', failure.message, error);
    logger.error({ group, code }, reason.message);
    this.participant.failed(reason);
    return REFUSED_PAUSE;
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(milliseconds, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
