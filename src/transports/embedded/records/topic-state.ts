/** What the log knows of a topic while it is open. */
export interface TopicState {
  /** Never given twice: a topic that is deleted and created again has another. */
  readonly id: number;
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: PartitionState[];
  deleted: boolean;
}

/** A partition as readers may see it: only what is durable. */
export interface PartitionState {
  readonly topic: TopicState;
  readonly index: number;
  /** Offset of the oldest record that is still there. */
  start: number;
  /** Offset behind the newest durable record. */
  end: number;
  /** Bytes of all batches. */
  bytes: number;
  /** Where the batch begins that was last found to be whole; -1 where there is none. */
  intact: number;
  /** Called after each append, once it is durable, and when the start moves. */
  readonly watchers: Set<() => void>;
}

/** The state of a partition, as it is stored beside its records. */
export interface PartitionMarks {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  /** Bytes that came since the last compaction. */
  readonly dirty: number;
}

const MARKS_BYTES = 32;
export const NO_MARKS: PartitionMarks = { start: 0, end: 0, bytes: 0, dirty: 0 };

export function encodeMarks(marks: PartitionMarks): Buffer {
  const value = Buffer.allocUnsafe(MARKS_BYTES);
  value.writeDoubleLE(marks.start, 0);
  value.writeDoubleLE(marks.end, 8);
  value.writeDoubleLE(marks.bytes, 16);
  value.writeDoubleLE(marks.dirty, 24);
  return value;
}

/** Throws where they cannot be what was stored. */
export function decodeMarks(value: Buffer): PartitionMarks {
  if (value.length !== MARKS_BYTES) throw new Error(`the marks of a partition have ${value.length} bytes`);
  const start = value.readDoubleLE(0);
  const end = value.readDoubleLE(8);
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end))
    throw new Error(`the marks of a partition say that it begins at ${start} and ends at ${end}`);
  return { start, end, bytes: value.readDoubleLE(16), dirty: value.readDoubleLE(24) };
}

/** A setting of the topic by Kafka's name, as a number; `otherwise` where it has none. -1 means no limit. */
export function numberSetting(topic: TopicState, name: string, otherwise: number): number {
  const text = topic.config[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  return value === -1 ? Number.POSITIVE_INFINITY : value;
}

export function hasPolicy(topic: TopicState, policy: 'compact' | 'delete'): boolean {
  return (topic.config['cleanup.policy'] ?? 'delete').split(',').some((one) => one.trim() === policy);
}
