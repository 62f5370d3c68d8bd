import type { TopicSpec } from '../../core/log.ts';
import { partitionOfKey } from '../../core/partitioner.ts';
import { tableTopic } from '../../tables/topic.ts';

/** Names of the topics through which the gateways of a cluster share connectors. */
export interface ConnectTopicNames {
  /** What is to run, and which gateway holds which part: one partition, whose order is the same for all gateways. */
  readonly configs: string;
  /** States of connectors and tasks, and the topics that they have used. */
  readonly status: string;
  /** Positions of sources. */
  readonly offsets: string;
  /** Empty: its partitions are assigned to gateways, and each connector and task belongs to one of them. */
  readonly work: string;
}

const WORK_PARTITIONS = 64;

export function connectTopicNames(prefix: string): ConnectTopicNames {
  const of = (kind: string) => `${prefix}.${kind}`;
  return { configs: of('configs'), status: of('status'), offsets: of('offsets'), work: of('work') };
}

export function connectTopics(prefix: string): TopicSpec[] {
  const { configs, status, offsets, work } = connectTopicNames(prefix);
  return [...[configs, status, offsets].map(tableTopic), { name: work, partitions: WORK_PARTITIONS }];
}

/** The partition of the work topic whose holder runs a connector and writes what concerns it. */
export function partitionOfConnector(name: string): number {
  return partitionOfKey(name, WORK_PARTITIONS);
}

/** The partition whose holder runs a task. */
export function partitionOfTask(name: string, task: number): number {
  return partitionOfKey(`${name}/${task}`, WORK_PARTITIONS);
}
