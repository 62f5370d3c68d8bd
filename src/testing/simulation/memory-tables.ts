import type {
  BatchKey,
  CommitKey,
  MarksKey,
  StoredCommit,
  StoredTopic,
  Tables,
} from '../../transports/embedded/records/tables.ts';
import { MemoryTable } from './memory-table.ts';

/** The tables of a log in memory. `reach` is asked before each transaction, and throws where the log is away. */
export class MemoryTables implements Tables {
  private undone: (() => void)[] | undefined;
  private readonly changed = (undo: () => void): void => {
    this.undone?.push(undo);
  };
  readonly topics = new MemoryTable<StoredTopic, string>(this.changed);
  readonly batches = new MemoryTable<Buffer, BatchKey>(this.changed);
  readonly marks = new MemoryTable<Buffer, MarksKey>(this.changed);
  readonly commits = new MemoryTable<StoredCommit, CommitKey>(this.changed);
  readonly counts = new MemoryTable<number, 'topics'>(this.changed);
  private readonly reach: () => void;

  constructor(reach: () => void) {
    this.reach = reach;
  }

  /**
   * Runs at once, and resolves in a later turn of the event loop, as any log does: senders that wait for it leave room for others.
   * What was changed by an action that throws is taken back.
   */
  async transact<T>(action: () => T): Promise<T> {
    this.reach();
    const result = this.run(action);
    await new Promise((resolve) => setImmediate(resolve));
    return result;
  }

  refresh(): void {}

  async close(): Promise<void> {}

  private run<T>(action: () => T): T {
    const undone: (() => void)[] = [];
    this.undone = undone;
    try {
      return action();
    } catch (error) {
      this.undone = undefined;
      for (const undo of undone.reverse()) undo();
      throw error;
    } finally {
      this.undone = undefined;
    }
  }
}
