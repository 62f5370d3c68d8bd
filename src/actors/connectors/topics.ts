import type { TopicSpec } from '../../core/log.ts';
import { partitionOfKey } from '../../core/partitioner.ts';

/** Names of the topics by which the gateways of a cluster share connectors. */
export interface ConnectTopicNames {
  /** What is to run, and who holds which part of it: one partition, in whose order everybody decides alike. */
  readonly configs: string;
  /** How it fares, and which topics it has used. */
  readonly status: string;
  /** How far sources have come. */
  readonly offsets: string;
  /** Holds nothing: its partitions are dealt to the gateways, and stand for connectors and tasks. */
  readonly work: string;
}

const WORK_PARTITIONS = 64;

// By default compaction leaves a gigabyte alone, which a gateway that starts would have to read.
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '600000',
  'segment.bytes': '16777216',
  'min.cleanable.dirty.ratio': '0.1',
};

export function connectTopicNames(prefix: string): ConnectTopicNames {
  const of = (kind: string) => `${prefix}.${kind}`;
  return { configs: of('configs'), status: of('status'), offsets: of('offsets'), work: of('work') };
}

export function connectTopics(prefix: string): TopicSpec[] {
  const { configs, status, offsets, work } = connectTopicNames(prefix);
  return [
    ...[configs, status, offsets].map((name) => ({ name, partitions: 1, config: COMPACTED })),
    { name: work, partitions: WORK_PARTITIONS },
  ];
}

/** The partition of the work topic whose holder runs a connector and writes what concerns it. */
export function partitionOfConnector(name: string): number {
  return partitionOfKey(name, WORK_PARTITIONS);
}

/** The partition whose holder runs a task. */
export function partitionOfTask(name: string, task: number): number {
  return partitionOfKey(`${name}/${task}`, WORK_PARTITIONS);
}
