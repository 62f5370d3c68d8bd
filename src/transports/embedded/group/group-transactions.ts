import type { Clock } from '../../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../../core/errors.ts';
import type { TransactionOptions } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { GroupCommit } from '../../group-commit.ts';
import { type Selection, Staging } from '../../staging.ts';
import { TransactionTrouble } from '../../transaction-trouble.ts';
import type { Append } from '../records/records.ts';
import { appendsOf, missingTopic, place, type Share, Sharing } from '../records/shares.ts';
import type { Store } from '../records/store.ts';
import type { PartitionState } from '../records/topic-state.ts';
import type { GroupCoordinator } from './coordinator.ts';

export interface WritingParts {
  readonly propagation?: Propagation | undefined;
  /** Largest record in bytes where the topic does not say. */
  readonly maxRecord: number;
  /** Called when a partition got records. */
  readonly grew: (partition: PartitionState) => void;
  /** Called with whether writing works. */
  readonly wrote: (failure: TidegateError | null) => void;
}

export interface GroupTransactionsParts extends WritingParts {
  readonly group: string;
  readonly store: Store;
  readonly coordinator: GroupCoordinator;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  /** What the member has settled, by partition; each of them is asked. */
  readonly settled: () => ReadonlyMap<PartitionState, GroupCommit>;
  /** Commits, one after the other. */
  readonly commit: () => Promise<void>;
  /** Whether the note of a state is committed with the offsets. */
  readonly hasState: boolean;
  /** No more transactions are made: the member has to go on from what is committed. */
  readonly failed: (reason: TidegateError) => void;
}

/** The transactions of a group member: records and offsets in one transaction of LMDB, so that a crash leaves both or neither. */
export class GroupTransactions {
  private readonly parts: GroupTransactionsParts;
  private readonly staging: Staging;
  private readonly sharing: Sharing;
  private last: Promise<void> = Promise.resolve();
  private readonly trouble: TransactionTrouble;
  private failure: TidegateError | undefined;

  constructor(options: TransactionOptions, parts: GroupTransactionsParts) {
    this.parts = parts;
    this.trouble = new TransactionTrouble(parts.group, parts.logger);
    this.sharing = new Sharing(parts);
    this.staging = new Staging(options, {
      ready: () => undefined,
      refusal: (topic, message) => this.refusal(topic, message),
      commit: parts.commit,
      clock: parts.clock,
    });
  }

  write(topic: string, messages: readonly Message[]): void {
    if (this.failure === undefined) this.staging.write(topic, messages);
    else for (const message of messages) message.nack(this.failure);
  }

  hasten(): void {
    this.staging.hasten();
  }

  /** The last transaction. Never rejects. */
  async end(): Promise<void> {
    this.staging.close();
    const { group, logger } = this.parts;
    await this.commit().catch((error: unknown) => {
      logger.warn({ group, error }, `the last transaction of the group ${group} was not committed`);
    });
  }

  /** One after the other. Rejects where nothing was stored. No partition of the group changes hands meanwhile. */
  commit(): Promise<void> {
    const next = this.last.catch(() => undefined).then(() => this.parts.coordinator.holding(() => this.transact()));
    this.last = next;
    return next;
  }

  private async transact(): Promise<void> {
    if (this.failure !== undefined || !this.mayCommit()) return;
    const { coordinator, settled } = this.parts;
    const due = coordinator.unknown(settled());
    const selection = this.staging.select();
    if (due.size === 0 && selection.size === 0) return;
    const refusals = new Map<Message, TidegateError>();
    const writes = this.writes(selection, refusals);
    if (refusals.size > 0) {
      this.staging.refused(refusals);
      return this.transact();
    }
    await this.store(writes, due);
    this.staging.committed(selection);
  }

  private async store(writes: readonly Write[], due: ReadonlyMap<PartitionState, GroupCommit>): Promise<void> {
    const { store, group, coordinator, stats, grew, wrote } = this.parts;
    try {
      const appends = writes.map(({ append }) => append);
      const bases = await store.records.append(appends, () => store.offsets.put(group, due));
      this.trouble.ends();
      wrote(null);
      coordinator.stored(due);
      for (const [at, { append, share }] of writes.entries()) {
        const { topic, index } = append.partition;
        place(share, topic.name, index, bases[at] ?? 0);
        stats.counter('tidegate_lane_records_total', { topic: topic.name }).value += share.messages.length;
        grew(append.partition);
      }
    } catch (error) {
      const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE', `a transaction of the group ${group}`);
      // A topic that was deleted meanwhile is found missing by the next one.
      if (failure.code !== 'TG_TOPIC_MISSING') this.failed(failure);
      throw failure;
    }
  }

  private writes(selection: Selection, refusals: Map<Message, TidegateError>): Write[] {
    const { store, clock } = this.parts;
    const writes: Write[] = [];
    for (const [name, messages] of selection) {
      const topic = store.topics.get(name);
      if (topic === undefined) {
        for (const message of messages) refusals.set(message, missingTopic(name));
        continue;
      }
      const shares = this.sharing.share(topic, messages, clock.now(), (index, failure) =>
        refusals.set(messages[index] as Message, failure),
      );
      const appends = appendsOf(topic, shares);
      for (const [at, share] of [...shares.values()].entries()) writes.push({ append: appends[at] as Append, share });
    }
    return writes;
  }

  private refusal(name: string, message: Message): TidegateError | undefined {
    const topic = this.parts.store.topics.get(name);
    return topic === undefined ? missingTopic(name) : this.sharing.refusal(topic, message);
  }

  /** Where what was refused cannot be taken out of what is committed, the member has to begin again. */
  private mayCommit(): boolean {
    const check = this.staging.check(!this.parts.hasState);
    if (check instanceof TidegateError) {
      this.failure = check;
      this.staging.close();
      this.parts.failed(check);
    }
    return check === true;
  }

  private failed(failure: TidegateError): void {
    this.parts.wrote(failure);
    this.trouble.begins(failure);
  }
}

interface Write {
  readonly append: Append;
  readonly share: Share;
}
