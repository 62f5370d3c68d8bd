import { MISSING, type Unreadable } from '../records/stored-records.ts';

/** What is known of a stored batch: what it holds, or why it cannot be read. */
export type AuditedBatch =
  | { readonly base: number; readonly records: number; readonly span: number; readonly reason?: undefined }
  | { readonly base: number; readonly reason: string };

interface Extent {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record. */
  readonly start: number;
  /** Offset behind the newest record. */
  readonly end: number;
}

export interface PartitionAudit extends Extent {
  /** Those that can be read. */
  readonly records: number;
  readonly damaged: readonly Unreadable[];
}

/** `batches` are in order. Where `isComplete`, each begins where the one before it ends; compaction leaves holes. */
export function auditPartition(extent: Extent, batches: readonly AuditedBatch[], isComplete: boolean): PartitionAudit {
  const damaged: Unreadable[] = [];
  let records = 0;
  let next = extent.start;
  let open: { readonly from: number; readonly reason: string } | undefined;
  const reach = (to: number) => {
    if (open !== undefined) damaged.push({ ...open, to });
    else if (isComplete && to > next) damaged.push({ from: next, to, reason: MISSING });
    next = Math.max(next, to);
    open = undefined;
  };
  for (const batch of batches) {
    if (batch.base >= extent.end) reach(extent.end);
    else reach(Math.max(batch.base, next));
    if (batch.reason !== undefined) {
      open = { from: next, reason: batch.reason };
      continue;
    }
    records += batch.records;
    next = Math.max(next, batch.base + batch.span);
  }
  if (next < extent.end) reach(extent.end);
  return { ...extent, records, damaged };
}
