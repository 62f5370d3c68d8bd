import { TidegateError } from '../../../core/errors.ts';
import type { TransactionOptions } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { Staging } from '../../staging.ts';
import { TransactionTrouble } from '../../transaction-trouble.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import { isTooLarge, plan } from '../produce/lane-plan.ts';
import { place, type SenderParts } from '../transactions/transaction-sender.ts';
import { InDoubt, type TransactionContent, Transactions } from '../transactions/transactions.ts';
import { logError } from '../wire/protocol-errors.ts';
import type { Commits } from './commits.ts';
import type { CoordinatorClient } from './coordinator-client.ts';
import type { DueCommits, GroupOffsets } from './group-offsets.ts';
import type { OwnedPartitions } from './owned-partitions.ts';

/** A refusal by size rests on a limit that was read at most so many milliseconds ago. */
const LIMIT_MAX_AGE = 60_000;

export interface GroupTransactionsParts extends SenderParts {
  readonly group: string;
  readonly coordinator: CoordinatorClient;
  readonly offsets: GroupOffsets;
  readonly partitions: OwnedPartitions;
  readonly fetcher: Fetcher;
  readonly commits: () => Commits;
  readonly logger: Logger;
  /** Whether the note of a state is committed with the offsets. */
  readonly hasState: boolean;
  /** No more transactions are made: the member has to go on from what is committed. */
  readonly failed: (reason: TidegateError) => void;
}

/** The transactions of a group member: what was given to it to write, with the offsets that it commits. */
export class GroupTransactions {
  private readonly id: string;
  private readonly parts: GroupTransactionsParts;
  private readonly transactions: Transactions;
  private readonly staging: Staging;
  private failure: TidegateError | undefined;
  private readonly trouble: TransactionTrouble;

  constructor(options: TransactionOptions, parts: GroupTransactionsParts) {
    this.id = options.name;
    this.parts = parts;
    this.trouble = new TransactionTrouble(parts.group, parts.logger);
    this.transactions = new Transactions(options.name, parts);
    this.staging = new Staging(options, {
      ready: (topic) => this.ready(topic),
      refusal: (topic, message) => this.refusal(topic, message),
      commit: () => parts.commits().commit(),
      clock: parts.clock,
    });
  }

  /** Aborts what a member before this one left open, so that its partitions can be read. */
  begin(): void {
    void this.transactions.begin().catch(() => undefined);
  }

  write(topic: string, messages: readonly Message[]): void {
    if (this.failure === undefined) this.staging.write(topic, messages);
    else for (const message of messages) message.nack(this.failure);
  }

  hasten(): void {
    this.staging.hasten();
  }

  close(): void {
    this.staging.close();
  }

  /** Resolves with whether there was anything to commit. */
  async commit(): Promise<boolean> {
    if (this.failure !== undefined) return false;
    const chosen: { content?: TransactionContent; due?: DueCommits } = {};
    try {
      const stored = await this.transactions.commit(() => {
        const { content, due } = this.choose();
        Object.assign(chosen, { content, due });
        return content;
      });
      this.trouble.ends();
      if (stored === undefined || chosen.content === undefined) return false;
      if (stored.refusals.size > 0) {
        chosen.due?.aborted();
        this.staging.refused(stored.refusals);
        this.mayCommit();
        return false;
      }
      chosen.due?.committed();
      place(stored, this.parts.stats);
      this.staging.committed(chosen.content.records);
      return true;
    } catch (error) {
      this.notCommitted(error, chosen.due);
      throw error;
    }
  }

  private choose(): { content?: TransactionContent; due?: DueCommits } {
    const { group, fetcher, partitions, coordinator, offsets } = this.parts;
    const { memberId, generation } = coordinator;
    // The group does not know us: nothing can be committed.
    if (generation < 0 || !this.mayCommit()) return {};
    // Nothing of a topic that is known to be gone.
    fetcher.checkIds();
    const due = offsets.due(partitions, (one) => fetcher.part(one), this.id);
    const records = this.staging.select();
    if (due.topics.size === 0 && records.size === 0) return {};
    return { content: { records, offsets: due.topics, membership: { group, memberId, generation } }, due };
  }

  private mayCommit(): boolean {
    const check = this.staging.check(!this.parts.hasState);
    if (check instanceof TidegateError) this.fail(check);
    return check === true;
  }

  private notCommitted(error: unknown, due: DueCommits | undefined): void {
    if (error instanceof InDoubt) {
      this.fail(error);
      return;
    }
    due?.aborted();
    this.trouble.begins(logError(error, `group ${this.parts.group}`));
  }

  private fail(reason: TidegateError): void {
    this.failure = reason;
    this.staging.close();
    this.parts.failed(reason);
  }

  private ready(topic: string): Promise<void> | undefined {
    const { limits } = this.parts;
    if (limits.age(topic) < LIMIT_MAX_AGE) return undefined;
    return limits.read(topic).then(() => undefined);
  }

  private refusal(topic: string, message: Message): TidegateError | undefined {
    const { limits, compressor } = this.parts;
    const limit = limits.of(topic);
    // The limit is not known: the broker has to decide. A message that is far below it need not be encoded to know.
    if (limits.age(topic) === Number.POSITIVE_INFINITY || message.size * 3 + 1_024 < limit) return undefined;
    const [planned] = plan([message], 1, 0, 0, this.parts.propagation);
    if (planned === undefined || !isTooLarge(planned, limit, compressor)) return undefined;
    const reason = `a record of ${message.size} bytes is larger than ${topic} allows (max.message.bytes ${limit})`;
    return new TidegateError('TG_RECORD_TOO_LARGE', reason);
  }
}
