import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Dealt } from './assignment-protocol.ts';
import type { Known, Membership } from './membership.ts';
import { KAFKA, kafkaCode, logError } from './protocol-errors.ts';

const HEARTBEAT_INTERVAL = 1_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** Between two signs of life while a part of the partitions is still to be dealt. */
const SOON = 100;
/** After a refusal that only a person can lift. */
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

/** What the owner of the partitions does as the membership goes on. */
export interface Participant {
  readonly known: Known;
  /**
   * Takes a new assignment; what it throws makes the member join again. Resolves with whether others wait for partitions
   * that were let go of: they are dealt when this member joins again.
   */
  adopt(dealt: Dealt): Promise<boolean>;
  /** Others come or go; commits what is settled, so that whoever gets it need not read it again. */
  rebalancing(): Promise<void>;
  /** The broker has dropped us, and may have dealt what was ours to others. */
  dropped(): Promise<void>;
  /** Joining is refused for a reason that only a person can remove; it is tried again all the same. */
  failed(reason: TidegateError): void;
  /** Whether a topic has other partitions than were dealt, or is another one. */
  sawNewPartitions(): boolean;
}

export interface ParticipationOptions {
  readonly group: string;
  readonly sessionTimeout: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Joins, shows life, and joins again, until it is stopped. */
export class Participation {
  private readonly membership: Membership;
  private readonly participant: Participant;
  private readonly options: ParticipationOptions;
  private stopped = false;
  private wake: (() => void) | undefined;

  constructor(membership: Membership, participant: Participant, options: ParticipationOptions) {
    this.membership = membership;
    this.participant = participant;
    this.options = options;
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!this.stopped) {
      try {
        const dealt = await this.membership.join(this.participant.known);
        if (this.stopped) return;
        const hasLetGo = await this.participant.adopt(dealt);
        pause = FIRST_PAUSE;
        if (!hasLetGo) await this.showLife(dealt.isPartial);
        if (!this.stopped) await this.participant.rebalancing();
      } catch (error) {
        const wait = await this.reactTo(error, pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE);
        if (wait > 0) await this.wait(wait);
      }
    }
  }

  /** Resolves when the group has to be joined again. */
  private async showLife(isSoon: boolean): Promise<void> {
    const interval = isSoon ? SOON : Math.min(HEARTBEAT_INTERVAL, this.options.sessionTimeout / 3);
    while (!this.stopped && !this.mustDealAnew()) {
      await this.wait(interval);
      if (this.stopped) return;
      try {
        await this.membership.heartbeat();
      } catch (error) {
        const code = kafkaCode(error);
        if (code === KAFKA.REBALANCE_IN_PROGRESS) return;
        if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) throw error;
        // The broker is away or the coordinator has moved; that alone is no reason to disturb the group.
        this.membership.lose();
      }
    }
  }

  /** The leader has to notice: a join of any other member changes nothing. */
  private mustDealAnew(): boolean {
    return this.membership.isLeader && this.participant.sawNewPartitions();
  }

  /** Returns how long to wait before the next join, in milliseconds. */
  private async reactTo(error: unknown, pause: number): Promise<number> {
    if (this.stopped) return 0;
    const code = kafkaCode(error);
    const { group, logger } = this.options;
    logger.debug({ group, code, reason: String(error) }, `Group ${group}: joining again`);
    if (code === KAFKA.REBALANCE_IN_PROGRESS) return 0;
    if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) {
      this.membership.forget();
      await this.participant.dropped();
      return 0;
    }
    this.membership.lose();
    if (code === undefined || !REFUSALS.has(code)) return pause;
    const failure = logError(error, `Group ${group}`);
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
