import { FlexibleCursor, LENGTH_BYTES, NO_TAGS, writeId, writeLength, writeText } from '../wire/flexible.ts';
import { AS_ANSWERED, type BrokerConnection } from './connection.ts';

/** The first version with the ids of topics: brokers from Kafka 2.8 on. */
export const METADATA_VERSION = 10;

export interface PartitionView {
  readonly partition: number;
  /** Node id; -1 while there is none. */
  readonly leader: number;
}

export interface TopicMetadata {
  readonly name: string;
  /** Kafka's error code for the topic; 0 when it is there. */
  readonly code: number;
  /** undefined where the broker, or the topic, is older than ids are. */
  readonly id: string | undefined;
  readonly internal: boolean;
  /** By partition number. */
  readonly partitions: readonly PartitionView[];
}

export interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly controllerId: number;
  readonly clusterId: string;
  readonly topics: readonly TopicMetadata[];
}

/** A name that no topic can have: old versions take an empty list for every topic. */
const NO_TOPIC = ['.'];
const ZERO_ID = 'A'.repeat(22);

/** Asks a broker about these topics, or about all where they are left out. */
export async function askForMetadata(broker: BrokerConnection, topics?: readonly string[]): Promise<Metadata> {
  if ((await broker.maxVersion('Metadata')) >= METADATA_VERSION)
    return broker.exchange('Metadata', METADATA_VERSION, encodeMetadata(topics), decodeMetadata);
  return askWithoutIds(broker, topics);
}

/** https://kafka.apache.org/protocol#The_Messages_Metadata, behind the tagged fields of the header. */
export function encodeMetadata(topics: readonly string[] | undefined): Buffer {
  let size = 1 + LENGTH_BYTES + 3 + 1;
  for (const name of topics ?? []) size += ZERO_ID.length + LENGTH_BYTES + Buffer.byteLength(name) + 1;
  const buffer = Buffer.alloc(size);
  let at = buffer.writeUInt8(NO_TAGS, 0);
  at = writeLength(buffer, topics === undefined ? -1 : topics.length, at);
  for (const name of topics ?? []) {
    at = writeId(buffer, ZERO_ID, at);
    at = writeText(buffer, name, at);
    at = buffer.writeUInt8(NO_TAGS, at);
  }
  // allow_auto_topic_creation, include_cluster_authorized_operations, include_topic_authorized_operations
  at += 3;
  at = buffer.writeUInt8(NO_TAGS, at);
  return buffer.subarray(0, at);
}

export function decodeMetadata(answer: Buffer): Metadata {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  // throttle_time_ms
  cursor.at += 4;
  const brokers: { nodeId: number; host: string; port: number }[] = [];
  for (let count = cursor.length(); count > 0; count -= 1) {
    brokers.push({ nodeId: cursor.int32(), host: cursor.text() ?? '', port: cursor.int32() });
    // rack
    cursor.text();
    cursor.skipTags();
  }
  const clusterId = cursor.text() ?? '';
  const controllerId = cursor.int32();
  const topics: TopicMetadata[] = [];
  for (let count = cursor.length(); count > 0; count -= 1) topics.push(decodeTopic(cursor));
  return { brokers, controllerId, clusterId, topics };
}

function decodeTopic(cursor: FlexibleCursor): TopicMetadata {
  const code = cursor.int16();
  const name = cursor.text() ?? '';
  const id = cursor.id();
  const internal = cursor.int8() !== 0;
  const partitions: PartitionView[] = [];
  for (let count = cursor.length(); count > 0; count -= 1) {
    // error_code
    cursor.at += 2;
    const partition = cursor.int32();
    const leader = cursor.int32();
    partitions[partition] = { partition, leader };
    // leader_epoch, replica_nodes, isr_nodes, offline_replicas
    cursor.at += 4;
    cursor.skipInts();
    cursor.skipInts();
    cursor.skipInts();
    cursor.skipTags();
  }
  // topic_authorized_operations
  cursor.at += 4;
  cursor.skipTags();
  return { name, code, id, internal, partitions };
}

interface OldAnswer {
  readonly brokers: Metadata['brokers'];
  readonly controllerId: number;
  readonly clusterId: string | null;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly isInternal: boolean;
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

async function askWithoutIds(broker: BrokerConnection, topics: readonly string[] | undefined): Promise<Metadata> {
  const asked = topics?.length === 0 ? NO_TOPIC : (topics ?? []);
  const payload = { topics: asked, allowAutoTopicCreation: false };
  const answer = await broker.request<OldAnswer>('Metadata', payload, AS_ANSWERED);
  const { brokers, controllerId, clusterId, topicMetadata } = answer;
  return {
    brokers,
    controllerId,
    clusterId: clusterId ?? '',
    topics: topicMetadata.map(({ topicErrorCode, topic, isInternal, partitionMetadata }) => {
      const partitions: PartitionView[] = [];
      for (const { partitionId, leader } of partitionMetadata)
        partitions[partitionId] = { partition: partitionId, leader };
      return { name: topic, code: topicErrorCode, id: undefined, internal: isInternal, partitions };
    }),
  };
}
