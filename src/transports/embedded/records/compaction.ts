import { damageIn } from './batch-damage.ts';
import { glance, type RecordGlance, withOnly } from './batch-reading.ts';
import type { Records } from './records.ts';
import { hasPolicy, numberSetting, type PartitionState } from './topic-state.ts';

/** Kafka's defaults (min.cleanable.dirty.ratio, delete.retention.ms). */
const DIRTY_RATIO = 0.5;
const TOMBSTONE_AGE = 86_400_000;
/** Batches between two turns of the event loop. */
const STEP = 64;

/**
 * Keeps the last record of each key. Offsets stay; tombstones go too once they are older than the topic's
 * delete.retention.ms. Without `force` only where enough has come since the last time.
 */
export async function compact(records: Records, partition: PartitionState, now: number, force: boolean): Promise<void> {
  const { topic, end } = partition;
  if (!hasPolicy(topic, 'compact')) return;
  const dirty = records.dirtyBytes(partition);
  const ratio = numberSetting(topic, 'min.cleanable.dirty.ratio', DIRTY_RATIO);
  if (dirty === 0 || (!force && dirty < partition.bytes * ratio)) return;
  const last = await lastOffsets(records, partition, end);
  const oldestTombstone = now - numberSetting(topic, 'delete.retention.ms', TOMBSTONE_AGE);
  const isKept = ({ key, offset, isTombstone, timestamp }: RecordGlance) =>
    key === null || (last.get(key.toString('latin1')) === offset && !(isTombstone && timestamp < oldestTombstone));
  for (let from = partition.start; from < end; ) {
    const step = changesFrom(records, partition, { from, end, isKept });
    if (step.changes.size > 0) await records.replace(partition, step.changes);
    from = step.next;
    await turn();
  }
  await records.compacted(partition, dirty);
}

async function lastOffsets(records: Records, partition: PartitionState, end: number): Promise<Map<string, number>> {
  const last = new Map<string, number>();
  for (let from = partition.start; from < end; ) {
    let seen = 0;
    for (const { baseOffset, value } of records.batches(partition, from)) {
      if (baseOffset >= end || seen === STEP) break;
      for (const { key, offset } of intactRecords(value, baseOffset)) {
        if (key !== null) last.set(key.toString('latin1'), offset);
      }
      from = baseOffset + 1;
      seen += 1;
    }
    if (seen === 0) break;
    await turn();
  }
  return last;
}

interface Stretch {
  readonly from: number;
  readonly end: number;
  readonly isKept: (record: RecordGlance) => boolean;
}

function changesFrom(
  records: Records,
  partition: PartitionState,
  { from, end, isKept }: Stretch,
): { changes: Map<number, Buffer | null>; next: number } {
  const changes = new Map<number, Buffer | null>();
  let next = end;
  let seen = 0;
  for (const { baseOffset, value } of records.batches(partition, from)) {
    if (baseOffset >= end) break;
    if (seen === STEP) {
      next = baseOffset;
      break;
    }
    seen += 1;
    const all = [...intactRecords(value, baseOffset)];
    const kept = all.filter(isKept);
    if (kept.length === all.length) continue;
    changes.set(baseOffset, kept.length === 0 ? null : withOnly(value, kept));
  }
  return { changes, next };
}

/** A damaged batch stays as it is, so that readers can report it. */
function intactRecords(value: Buffer, baseOffset: number): Iterable<RecordGlance> {
  return damageIn(value) === undefined ? glance(value, baseOffset) : [];
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
