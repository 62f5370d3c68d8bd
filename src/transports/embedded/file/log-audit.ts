import { statSync } from 'node:fs';
import path from 'node:path';
import { bufferToKeyValue, open } from 'lmdb';
import { asTidegateError, reasonOf, TidegateError } from '../../../core/errors.ts';
import { damageIn } from '../records/batch-damage.ts';
import { batchFacts } from '../records/batch-reading.ts';
import type { BatchKey, StoredTopic } from '../records/tables.ts';
import { decodeMarks, hasPolicy } from '../records/topic-state.ts';
import { DataFile, FileDamage } from './data-file.ts';
import { DATA_FILE } from './disk-space.ts';
import { TABLES } from './environment.ts';
import { checkFile, storedValue } from './file-check.ts';
import { checkMarker, hasData, LaterVersion } from './log-marker.ts';
import { acquireOwnerLock } from './owner-lock.ts';
import { type AuditedBatch, auditPartition, type PartitionAudit } from './partition-audit.ts';

export interface LogAudit {
  /** Bytes of the file. */
  readonly bytes: number;
  readonly topics: number;
  readonly partitions: readonly PartitionAudit[];
  /** Damage that is of no one partition. */
  readonly damage: readonly string[];
}

/**
 * Says what is whole in the log of a directory, and changes nothing in it. Rejects with TG_DATA_DIR_OWNED while it is in use, and
 * with TG_DATA_DIR_UNUSABLE where there is no log or one of a later version.
 */
export async function auditLog(directory: string): Promise<LogAudit> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new TidegateError('TG_DATA_DIR_UNUSABLE', `there is no directory ${directory}`);
  const lock = await acquireOwnerLock(directory).catch((error: unknown) => {
    throw asTidegateError(error, 'TG_DATA_DIR_UNUSABLE', `the directory ${directory} cannot be used`);
  });
  try {
    return auditDirectory(directory);
  } catch (error) {
    throw asTidegateError(error, 'TG_DATA_DIR_UNUSABLE', `the log in ${directory} cannot be checked`);
  } finally {
    await lock.release();
  }
}

function auditDirectory(directory: string): LogAudit {
  const bytes = statSync(path.join(directory, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0;
  const unusable = (reason: string): LogAudit => ({ bytes, topics: 0, partitions: [], damage: [reason] });
  try {
    checkMarker(directory);
  } catch (error) {
    if (error instanceof LaterVersion) throw error;
    return unusable(reasonOf(error));
  }
  if (!hasData(directory)) throw new TidegateError('TG_DATA_DIR_UNUSABLE', `there is no log in ${directory}`);
  try {
    const { batches, damage } = auditFile(path.join(directory, DATA_FILE));
    return { bytes, damage, ...auditTopics(directory, batches) };
  } catch (error) {
    return unusable(`${DATA_FILE} is damaged: ${reasonOf(error)}`);
  }
}

/** All batches of the file, by the id of their topic and the number of their partition. */
function auditFile(name: string): { batches: ReadonlyMap<string, readonly AuditedBatch[]>; damage: string[] } {
  const batches = new Map<string, AuditedBatch[]>();
  const file = new DataFile(name, 'read');
  try {
    const { leaves, freePages } = checkFile(file, (node) => {
      const [id, index, base] = bufferToKeyValue(node.key) as BatchKey;
      const value = storedValue(file, node);
      const reason = damageIn(value);
      const ofPartition = batches.get(`${id}/${index}`) ?? [];
      batches.set(`${id}/${index}`, ofPartition);
      ofPartition.push(reason === undefined ? { base, ...batchFacts(value) } : { base, reason });
    });
    const damage = leaves.map(({ reason }) => `a page with records cannot be read: ${reason}`);
    return { batches, damage: freePages === undefined ? damage : [...damage, freePages] };
  } finally {
    file.close();
  }
}

function auditTopics(
  directory: string,
  batches: ReadonlyMap<string, readonly AuditedBatch[]>,
): Pick<LogAudit, 'topics' | 'partitions'> {
  const root = open({ path: directory, noSubdir: false, readOnly: true, cache: false, maxDbs: 8 });
  try {
    const marks = root.openDB<Buffer, [number, number]>(TABLES.marks);
    const partitions: PartitionAudit[] = [];
    let topics = 0;
    for (const { key, value } of root.openDB<StoredTopic, string>(TABLES.topics).getRange()) {
      topics += 1;
      const topic = { id: value.id, name: key, config: value.config, partitions: [], deleted: false };
      for (let index = 0; index < value.partitions; index += 1) {
        const stored = marks.get([value.id, index]);
        if (stored === undefined) throw new FileDamage(`the marks of ${key}/${index} are missing`);
        const { start, end } = decodeMarks(stored);
        const isComplete = !hasPolicy(topic, 'compact');
        const ofPartition = batches.get(`${value.id}/${index}`) ?? [];
        partitions.push(auditPartition({ topic: key, partition: index, start, end }, ofPartition, isComplete));
      }
    }
    return { topics, partitions };
  } finally {
    // Nothing was written, so there is nothing to wait for.
    void root.close();
  }
}
