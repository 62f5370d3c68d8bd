import { ByteReader, unzigzag } from '../base/byte-reader.ts';
import { ByteWriter, zigzag } from '../base/byte-writer.ts';
import { invalid } from '../base/failure.ts';

/*
 * A byte 0, the id of the schema in four bytes, then the value: Confluent's wire format.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */

const HEADER = 5;
/** Messages within each other. */
const MAX_INDEXES = 100;

export function schemaIdOf(payload: Buffer): number {
  if (payload.length < HEADER || payload[0] !== 0)
    throw invalid(
      'it does not begin with a byte 0 and the id of a schema; only producers that use a schema registry write them',
    );
  return payload.readInt32BE(1);
}

/** The value behind the id. */
export function bodyOf(payload: Buffer): Buffer {
  return payload.subarray(HEADER);
}

export function withSchemaId(id: number, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, ...parts]);
}

/** Of Protobuf, which of the messages of the schema follows: its position in the file, then in the message around it. */
export function messageIndexes(body: Buffer): { readonly indexes: readonly number[]; readonly message: Buffer } {
  const reader = new ByteReader(body);
  const count = indexAt(reader);
  if (count > MAX_INDEXES) throw invalid(`it names its message by ${count} indexes`);
  const indexes: number[] = [];
  for (let index = 0; index < count; index += 1) indexes.push(indexAt(reader));
  // No index is the first message: one byte for what nearly all schemas have.
  return { indexes: count === 0 ? [0] : indexes, message: body.subarray(reader.at) };
}

export function indexesBytes(indexes: readonly number[]): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.from([0]);
  const writer = new ByteWriter(1_024);
  for (const number of [indexes.length, ...indexes]) writer.varint(zigzag(BigInt(number)));
  return writer.finish();
}

function indexAt(reader: ByteReader): number {
  const index = unzigzag(reader.varint());
  if (index < 0 || index > 2 ** 31) throw invalid(`it names its message by the index ${index}`);
  return Number(index);
}
