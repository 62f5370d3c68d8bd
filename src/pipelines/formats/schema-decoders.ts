import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { AvroDecoding } from './avro/decode.ts';
import { decodeAvro } from './avro/decode.ts';
import { parseAvro } from './avro/schema.ts';
import type { AvroType } from './avro/types.ts';
import { decodeProtobuf, type ProtobufDecoding } from './protobuf/decode.ts';
import { type ProtoSchema, parseProto } from './protobuf/schema.ts';
import type { MessageType } from './protobuf/types.ts';
import { type RegisteredSchema, SchemaRegistry, type SchemaType } from './registry/client.ts';
import { SchemaCache } from './registry/schema-cache.ts';
import type { ReadingRegistry } from './registry/settings.ts';
import { bodyOf, messageIndexes, schemaIdOf } from './registry/wire-format.ts';

/** Makes JSON of a payload, or a promise of it where a schema has to be fetched first. */
export type Decode = (payload: Buffer) => Buffer | Promise<Buffer>;

const MAX_SCHEMAS = 500;

export function avroDecoder(
  source: { readonly type: AvroType } | { readonly registry: ReadingRegistry; readonly clock: Clock },
  options: AvroDecoding,
): Decode {
  if ('type' in source) return (payload) => decodeAvro(payload, source.type, options);
  const parse = ({ text, references }: RegisteredSchema) => parseAvro(text, [...references.values()]);
  return byId(source.registry, source.clock, 'AVRO', parse, (body, type) => decodeAvro(body, type, options));
}

export function protobufDecoder(
  source: { readonly type: MessageType } | { readonly registry: ReadingRegistry; readonly clock: Clock },
  options: ProtobufDecoding,
): Decode {
  if ('type' in source) return (payload) => decodeProtobuf(payload, source.type, options);
  const parse = ({ text, references }: RegisteredSchema) => parseProto({ text, imports: references });
  return byId(source.registry, source.clock, 'PROTOBUF', parse, (body, schema) => {
    const { indexes, message } = messageIndexes(body);
    return decodeProtobuf(message, messageAt(schema, indexes), options);
  });
}

/** Takes the id off: the schema says what is behind it, and `validate` checks it. */
export function jsonDecoder(registry: ReadingRegistry, clock: Clock, check: (body: Buffer) => Buffer): Decode {
  return byId(registry, clock, 'JSON', () => true, check);
}

/** Reads the id, and decodes what is behind it by its schema. */
function byId<T>(
  settings: ReadingRegistry,
  clock: Clock,
  wanted: SchemaType,
  parse: (schema: RegisteredSchema) => T,
  decode: (body: Buffer, schema: T) => Buffer,
): Decode {
  const registry = new SchemaRegistry(settings);
  const schemas = new SchemaCache<T>(MAX_SCHEMAS, clock);
  const load = async (id: number) => parsed(await registry.byId(id), wanted, parse);
  return (payload) => {
    const id = schemaIdOf(payload);
    const schema = schemas.get(id, () => load(id));
    if (schema instanceof Promise) return schema.then((loaded) => decode(bodyOf(payload), loaded));
    return decode(bodyOf(payload), schema);
  };
}

/** What is made of a schema of the registry. Throws where it is of another type, or none at all. */
export function parsed<T>(schema: RegisteredSchema, wanted: SchemaType, parse: (schema: RegisteredSchema) => T): T {
  if (schema.type !== wanted)
    throw new TidegateError(
      'TG_MESSAGE_INVALID',
      `its schema ${schema.id} is of the type ${schema.type}, and not ${wanted}`,
    );
  try {
    return parse(schema);
  } catch (error) {
    throw asTidegateError(error, 'TG_PROCESSOR_FAILED', `the schema ${schema.id} of the registry cannot be used`);
  }
}

function messageAt(schema: ProtoSchema, indexes: readonly number[]): MessageType {
  try {
    return schema.messageAt(indexes);
  } catch (error) {
    throw asTidegateError(error, 'TG_MESSAGE_INVALID');
  }
}
