import type { Cluster } from '../connection/cluster.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import { whenReady } from '../connection/when-ready.ts';
import { FlexibleCursor } from '../wire/flexible.ts';
import { FlexibleWriter } from '../wire/flexible-writer.ts';
import { brokerError, KAFKA } from '../wire/protocol-errors.ts';

/** The first version that can wait for open transactions: brokers from Kafka 2.5 on. */
const VERSION = 7;

/** A partition of the answer. */
export interface FetchedOffset {
  readonly partition: number;
  /** -1 where nothing is committed. */
  readonly offset: number;
  readonly metadata: string | null;
}

interface OlderAnswer {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: string;
      readonly metadata: string | null;
    }[];
  }[];
}

/**
 * What a group has committed of partitions of one topic. `isStable`: rejects with UNSTABLE_OFFSET_COMMIT while a transaction
 * may still change it; brokers before Kafka 2.5 cannot tell. Waits for a coordinator that moves.
 */
export function fetchOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
  isStable = true,
): Promise<readonly FetchedOffset[]> {
  return whenReady(async () => {
    const coordinator = await cluster.coordinator(group);
    if ((await coordinator.maxVersion('OffsetFetch')) < VERSION) return older(coordinator, group, topic, partitions);
    const body = encode(group, topic, partitions, isStable);
    const { code, offsets } = await coordinator.exchange('OffsetFetch', VERSION, body, decode);
    if (code !== KAFKA.NONE) throw brokerError(code);
    return offsets;
  });
}

function encode(group: string, topic: string, partitions: readonly number[], isStable: boolean): Buffer {
  const writer = new FlexibleWriter().text(group).length(1).text(topic).length(partitions.length);
  for (const partition of partitions) writer.int32(partition);
  return writer
    .end()
    .int8(isStable ? 1 : 0)
    .end()
    .take();
}

/** `code`: the first error, of the request or of a partition. */
export function decode(answer: Buffer): { code: number; offsets: FetchedOffset[] } {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  // throttle_time_ms
  cursor.at += 4;
  const offsets: FetchedOffset[] = [];
  let found = 0;
  for (let topics = cursor.length(); topics > 0; topics -= 1) {
    cursor.text();
    for (let count = cursor.length(); count > 0; count -= 1) {
      const partition = cursor.int32();
      const offset = cursor.int64();
      // committed_leader_epoch
      cursor.at += 4;
      const metadata = cursor.text();
      const code = cursor.int16();
      if (found === 0) found = code;
      cursor.skipTags();
      offsets.push({ partition, offset, metadata });
    }
    cursor.skipTags();
  }
  const code = cursor.int16();
  return { code: code === 0 ? found : code, offsets };
}

async function older(
  coordinator: BrokerConnection,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<FetchedOffset[]> {
  const answer = await coordinator.request<OlderAnswer>('OffsetFetch', {
    groupId: group,
    topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
  });
  return answer.responses.flatMap((response) =>
    response.partitions.map(({ partition, offset, metadata }) => ({ partition, offset: Number(offset), metadata })),
  );
}
