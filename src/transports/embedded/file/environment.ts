import { type Database, open, type RootDatabase } from 'lmdb';
import { TidegateError } from '../../../core/errors.ts';
import { type Undertaking, undertake } from '../../../core/process-end.ts';
import type { BatchKey, CommitKey, MarksKey, StoredCommit, StoredTopic, Tables } from '../records/tables.ts';
import { writeFailure } from './disk-space.ts';
import { quietWrites } from './quiet-writes.ts';

/** How they are named and encoded. */
export const TABLES = {
  topics: { name: 'topics', encoding: 'msgpack' },
  batches: { name: 'records', encoding: 'binary' },
  marks: { name: 'marks', encoding: 'binary' },
  commits: { name: 'commits', encoding: 'ordered-binary' },
  counts: { name: 'counts', encoding: 'ordered-binary' },
} as const;

/**
 * The log's tables in LMDB. They are one environment, so that a transaction covers them all; its promise resolves after
 * the fsync. Tables are written to within `transact` alone.
 */
export class Environment implements Tables, Undertaking {
  /** By name. */
  readonly topics: Database<StoredTopic, string>;
  readonly batches: Database<Buffer, BatchKey>;
  readonly marks: Database<Buffer, MarksKey>;
  readonly commits: Database<StoredCommit, CommitKey>;
  /** `topics`: the highest id that was ever given to one. */
  readonly counts: Database<number, 'topics'>;
  private readonly root: RootDatabase;
  private readonly directory: string;
  /** Those that have not ended. */
  private readonly transactions = new Set<Promise<unknown>>();
  private isClosing = false;
  private readonly isOver: () => void;

  /** `durable: false` leaves out the fsync, for a log that ends with the process anyway. */
  constructor(directory: string, durable: boolean) {
    this.directory = directory;
    this.root = open({
      path: directory,
      // Otherwise lmdb takes a directory with a dot in its name for a file.
      noSubdir: false,
      noSync: !durable,
      // Nothing is visible before it is durable, and a crash of the machine needs no recovery.
      overlappingSync: false,
      // With it lmdb makes promises of its own, whose rejections cannot be caught when the disk refuses a transaction.
      eventTurnBatching: false,
      cache: false,
      maxDbs: 8,
    });
    quietWrites(this.root);
    this.topics = this.root.openDB(TABLES.topics);
    this.batches = this.root.openDB(TABLES.batches);
    this.marks = this.root.openDB(TABLES.marks);
    this.commits = this.root.openDB(TABLES.commits);
    this.counts = this.root.openDB(TABLES.counts);
    this.isOver = undertake(this);
  }

  get isRunning(): boolean {
    return this.transactions.size > 0;
  }

  /** A transaction waits on a thread for its actions, which run here. */
  async end(): Promise<void> {
    this.isClosing = true;
    await Promise.allSettled(this.transactions);
  }

  /** Lets transactions that were begun end first: one that reads while lmdb closes ends the process. */
  async close(): Promise<void> {
    await this.end();
    await this.root.close();
    this.isOver();
  }

  /**
   * Runs in one write transaction together with whatever else was asked for meanwhile; resolves after the fsync. As a
   * child, because otherwise an action that throws half way would leave its first half in the transaction. Rejects with
   * TG_DISK_FULL or TG_LOG_UNAVAILABLE where the disk refuses, and nothing is stored then. `bytes` is about what is written.
   */
  async transact<T>(action: () => T, bytes = 0): Promise<T> {
    if (this.isClosing) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the log is closed');
    const transaction = this.root.childTransaction(action);
    this.transactions.add(transaction);
    try {
      return await transaction;
    } catch (error) {
      // What went wrong is hidden in a promise beside the error, which rejects a moment later.
      const { commitError } = error as { commitError?: Promise<never> };
      if (commitError === undefined) throw error;
      const reason = await commitError.catch((reason: unknown) => reason);
      throw writeFailure(reason, this.directory, bytes);
    } finally {
      this.transactions.delete(transaction);
    }
  }

  /** From here on reads see what was written up to now; otherwise those of one turn may see an older state. */
  refresh(): void {
    this.root.resetReadTxn();
  }
}
