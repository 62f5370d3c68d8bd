import { FlexibleCursor, writeId, writeLength } from '../../src/transports/kafka/wire/flexible.ts';
import { Cursor } from '../../src/transports/kafka/wire/varint.ts';

/** The other side of the requests that src/transports/kafka encodes by itself: a broker's. Layouts: https://kafka.apache.org/protocol */

export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly bytes: Buffer }[];
}

export interface FetchRequest {
  readonly maxWait: number;
  readonly maxBytes: number;
  readonly isolation: number;
  /** `topic`: the id in the versions that ask by it, else the name. */
  readonly positions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly maxBytes: number;
  }[];
}

export interface Fetched {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  readonly end: number;
  readonly records: Buffer;
}

export interface MetadataAnswer {
  readonly nodes: readonly number[];
  readonly topics: readonly {
    readonly name: string;
    readonly id: string;
    readonly code: number;
    readonly leaders: readonly number[];
  }[];
}

const FIRST_FLEXIBLE_FETCH = 12;
const NO_ID = Buffer.alloc(16).toString('base64url');

export function readProduce(body: Buffer): ProduceRequest {
  const cursor = new Cursor(body);
  // transactional_id: null
  cursor.at += 2;
  const acks = cursor.int16();
  const timeout = cursor.int32();
  if (cursor.int32() !== 1) throw new Error('a lane writes to one topic');
  const topic = cursor.string();
  const partitions: { partition: number; bytes: Buffer }[] = [];
  for (let count = cursor.int32(); count > 0; count -= 1) {
    const partition = cursor.int32();
    const size = cursor.int32();
    partitions.push({ partition, bytes: body.subarray(cursor.at, cursor.at + size) });
    cursor.at += size;
  }
  if (cursor.at !== body.length) throw new Error('there is more in a Produce request than its partitions');
  return { acks, timeout, topic, partitions };
}

export function writeProduced(
  topic: string,
  results: readonly { partition: number; code: number; baseOffset: number }[],
): Buffer {
  const out = new Bytes().int32(1).text(topic).int32(results.length);
  for (const { partition, code, baseOffset } of results)
    out.int32(partition).int16(code).int64(baseOffset).int64(-1).int64(0);
  return out.int32(0).all();
}

export function readFetch(version: number, body: Buffer): FetchRequest {
  const isFlexible = version >= FIRST_FLEXIBLE_FETCH;
  const cursor = new FlexibleCursor(body);
  const length = () => (isFlexible ? cursor.length() : cursor.int32());
  const skipTags = () => isFlexible && cursor.skipTags();
  skipTags();
  cursor.at += 4;
  const maxWait = cursor.int32();
  cursor.at += 4;
  const maxBytes = cursor.int32();
  const isolation = cursor.int8();
  cursor.at += 8;
  const positions: FetchRequest['positions'][number][] = [];
  for (let topics = length(); topics > 0; topics -= 1) {
    const topic = isFlexible ? (cursor.id() ?? '') : cursor.string();
    for (let partitions = length(); partitions > 0; partitions -= 1) {
      const partition = cursor.int32();
      cursor.at += 4;
      const offset = cursor.int64();
      cursor.at += isFlexible ? 12 : 8;
      positions.push({ topic, partition, offset, maxBytes: cursor.int32() });
      skipTags();
    }
    skipTags();
  }
  if (length() !== 0) throw new Error('there are no sessions, so no topics to forget');
  cursor.at += isFlexible ? 1 : 2;
  skipTags();
  if (cursor.at !== body.length) throw new Error('there is more in a Fetch request than its parts');
  return { maxWait, maxBytes, isolation, positions };
}

export function writeFetched(version: number, throttle: number, partitions: readonly Fetched[]): Buffer {
  const isFlexible = version >= FIRST_FLEXIBLE_FETCH;
  const out = new Bytes();
  const length = (count: number) => (isFlexible ? out.length(count) : out.int32(count));
  const tags = () => isFlexible && out.int8(0);
  tags();
  out.int32(throttle).int16(0).int32(0);
  const byTopic = new Map<string, Fetched[]>();
  for (const one of partitions) byTopic.set(one.topic, [...(byTopic.get(one.topic) ?? []), one]);
  length(byTopic.size);
  for (const [topic, some] of byTopic) {
    if (isFlexible) out.id(topic);
    else out.text(topic);
    length(some.length);
    for (const { partition, code, end, records } of some) {
      out.int32(partition).int16(code).int64(end).int64(end).int64(0);
      // aborted_transactions: null; preferred_read_replica
      length(-1);
      out.int32(-1);
      length(records.length);
      out.bytes(records);
      tags();
    }
    tags();
  }
  tags();
  return out.all();
}

/** Names that a Metadata request asks for; undefined for all of them. */
export function readMetadata(body: Buffer): string[] | undefined {
  const cursor = new FlexibleCursor(body);
  cursor.skipTags();
  const count = cursor.length();
  if (count < 0) return undefined;
  const names: string[] = [];
  while (names.length < count) {
    cursor.id();
    names.push(cursor.text() ?? '');
    cursor.skipTags();
  }
  return names;
}

export function writeMetadata({ nodes, topics }: MetadataAnswer): Buffer {
  const out = new Bytes().int8(0).int32(0).length(nodes.length);
  for (const node of nodes) out.int32(node).compactText(`node${node}`).int32(9092).length(-1).int8(0);
  out
    .compactText('cluster')
    .int32(nodes[0] ?? -1)
    .length(topics.length);
  for (const { name, id, code, leaders } of topics) {
    out
      .int16(code)
      .compactText(name)
      .id(id === '' ? NO_ID : id)
      .int8(0)
      .length(leaders.length);
    for (const [partition, leader] of leaders.entries())
      out.int16(0).int32(partition).int32(leader).int32(0).length(0).length(0).length(0).int8(0);
    out.int32(0).int8(0);
  }
  return out.int8(0).all();
}

class Bytes {
  private readonly parts: Buffer[] = [];

  all(): Buffer {
    return Buffer.concat(this.parts);
  }

  bytes(bytes: Buffer): this {
    this.parts.push(bytes);
    return this;
  }

  int8(value: number): this {
    return this.bytes(Buffer.from([value]));
  }

  int16(value: number): this {
    return this.fixed(2, (buffer) => buffer.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.fixed(4, (buffer) => buffer.writeInt32BE(value));
  }

  int64(value: number): this {
    return this.fixed(8, (buffer) => buffer.writeBigInt64BE(BigInt(value)));
  }

  text(text: string): this {
    return this.int16(Buffer.byteLength(text)).bytes(Buffer.from(text));
  }

  length(count: number): this {
    const buffer = Buffer.alloc(5);
    return this.bytes(buffer.subarray(0, writeLength(buffer, count, 0)));
  }

  compactText(text: string): this {
    return this.length(Buffer.byteLength(text)).bytes(Buffer.from(text));
  }

  id(id: string): this {
    return this.fixed(16, (buffer) => writeId(buffer, id, 0));
  }

  private fixed(size: number, write: (buffer: Buffer) => void): this {
    const buffer = Buffer.alloc(size);
    write(buffer);
    return this.bytes(buffer);
  }
}
