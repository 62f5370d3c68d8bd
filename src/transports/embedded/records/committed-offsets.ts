import type { GroupCommit } from '../../group-commit.ts';
import { marksIn, storedMarks } from '../../stored-marks.ts';
import type { CommitKey, StoredCommit, Tables } from './tables.ts';
import type { PartitionState } from './topic-state.ts';

/** How far groups have come, durably: for each group and partition the next offset to be read, and the note beside it. */
export class CommittedOffsets {
  private readonly environment: Tables;

  constructor(environment: Tables) {
    this.environment = environment;
  }

  of(group: string, partition: PartitionState): GroupCommit | undefined {
    const stored = this.environment.commits.get([partition.topic.id, partition.index, group]);
    return stored === undefined ? undefined : decode(stored);
  }

  async commit(group: string, offsets: ReadonlyMap<PartitionState, GroupCommit>): Promise<void> {
    await this.environment.transact(() => this.put(group, offsets));
  }

  /** The same within a transaction. */
  put(group: string, offsets: ReadonlyMap<PartitionState, GroupCommit>): void {
    const { commits } = this.environment;
    for (const [{ topic, index }, commit] of offsets) {
      if (!topic.deleted) commits.putSync([topic.id, index, group], encode(commit));
    }
  }

  /** Removes everything that a group has committed. */
  async forget(group: string): Promise<void> {
    const { commits } = this.environment;
    await this.environment.transact(() => {
      for (const key of [...commits.getKeys()]) if (key[2] === group) commits.removeSync(key);
    });
  }

  /** Removes what all groups have committed of a topic. */
  async removeTopic(id: number): Promise<void> {
    const { commits } = this.environment;
    const range: { start: CommitKey; end: CommitKey } = { start: [id, -1, ''], end: [id + 1, -1, ''] };
    await this.environment.transact(() => {
      for (const key of [...commits.getKeys(range)]) commits.removeSync(key);
    });
  }
}

function encode({ offset, note }: GroupCommit): StoredCommit {
  if (note === undefined) return offset;
  const { replay, watermark, through, marks } = note;
  return [offset, replay, watermark, through, ...storedMarks(marks ?? [])];
}

function decode(stored: StoredCommit): GroupCommit {
  if (typeof stored === 'number') return { offset: stored };
  const [offset, replay, watermark, through, ...list] = stored;
  const marks = marksIn(list) ?? [];
  return { offset, note: { replay, watermark, through, ...(marks.length === 0 ? {} : { marks }) } };
}
