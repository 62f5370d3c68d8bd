import { defineProcessor, field, type Message, writeJson, z } from '../../sdk/index.ts';
import { encodeAvro } from '../formats/avro/encode.ts';
import { avroName, parseAvro } from '../formats/avro/schema.ts';
import type { AvroJson, AvroType } from '../formats/avro/types.ts';
import { toBase64 } from '../formats/base/base64.ts';
import { invalid } from '../formats/base/failure.ts';
import { encodeCsv } from '../formats/csv.ts';
import { csvSettings } from '../formats/csv-settings.ts';
import { encodeMsgpack } from '../formats/msgpack/encode.ts';
import { encodeProtobuf } from '../formats/protobuf/encode.ts';
import { type ProtoSchema, parseProto } from '../formats/protobuf/schema.ts';
import { subjectOf, type WritingRegistry, writingRegistry } from '../formats/registry/settings.ts';
import { indexesBytes } from '../formats/registry/wire-format.ts';
import { type Encode, type OwnSchema, registryEncoder, type Writing } from '../formats/schema-encoders.ts';
import {
  avroOf,
  avroText,
  checked,
  hidden,
  jsonText,
  protoOf,
  protoText,
  schemaFile,
  textOf,
} from '../formats/schema-source.ts';
import { alphabet, formatProcessor, isOneFormat, limit, ONE_FORMAT } from './format-processor.ts';

const NO_PREFIX = Buffer.alloc(0);

const registry = writingRegistry
  .optional()
  .describe("The schema registry whose id is written in front of each value, in Confluent's wire format.");

const avro = z
  .strictObject({
    schema: avroText,
    file: schemaFile,
    registry,
    json: z
      .enum(['plain', 'avro'])
      .prefault('plain')
      .describe(
        "What the payload is: plain JSON, where a value of a union is of the first type that it fits, or the JSON encoding of Avro's specification.",
      ),
  })
  .transform(
    checked((given) => {
      const own = avroOf(given);
      onlyWhatFits(given, own && avroName(own.parsed));
      return { own: own && hidden(own), registry: given.registry, json: given.json };
    }),
  );

const protobuf = z
  .strictObject({
    schema: protoText,
    file: schemaFile,
    registry,
    message: field
      .plainText()
      .optional()
      .describe('Name of the message; the first one of the schema where it is left out.'),
  })
  .transform(
    checked((given) => {
      const own = protoOf(given);
      onlyWhatFits(given, own?.parsed.message(given.message).name);
      return { own: own && hidden(own), registry: given.registry, message: given.message };
    }),
  );

const json = z.strictObject({ schema: jsonText, file: schemaFile, registry }).transform(
  checked((given) => {
    const text = textOf(given);
    if (given.registry !== undefined || text !== undefined) onlyWhatFits(given, undefined);
    if (given.registry === undefined && text !== undefined)
      throw new Error('a JSON Schema is only registered here; use the processor validate to check payloads by it');
    return { text, registry: given.registry };
  }),
);

const config = z
  .strictObject({
    json: json.optional().describe('JSON without white space; with a registry, behind the id of its schema.'),
    avro: avro.optional().describe('Avro, in its binary encoding.'),
    protobuf: protobuf.optional().describe('Protobuf, in its wire format.'),
    msgpack: z.strictObject({}).optional().describe('MessagePack, each value in as few bytes as it needs.'),
    csv: csvSettings.optional().describe('Rows with a delimiter (RFC 4180), of a list or of one object.'),
    base64: z
      .strictObject({
        alphabet: alphabet().describe('url: with - and _ and without padding (RFC 4648, section 5).'),
      })
      .optional()
      .describe('Base64 of the payload, whatever it is.'),
    limit,
  })
  .refine(isOneFormat, ONE_FORMAT);

export const encode = defineProcessor({
  name: 'encode',
  summary:
    'Makes another format of a JSON payload: Avro, Protobuf, MessagePack, CSV, Base64, also with a schema registry.',
  description:
    'How JSON becomes each format is in [formats](../formats.md). What does not fit the schema fails with its place; nothing is left out and no integer is rounded. With a registry, `register: true` registers the schema of the configuration with the first message; otherwise the newest schema of the subject is used. A registry that cannot be reached, or answers with a status of 500 or above, is TG_PROCESSOR_BUSY: the message is tried again, `on_error.retries` times. Behind `encode` the payload is not JSON any more: set keys and headers before it. A record without a value passes.',
  config,
  failures: [
    'The payload is not JSON, other than for `base64`.',
    'A value does not fit its schema or format: the error says where.',
    'The result is larger than `limit`, or the payload is nested more than 100 levels deep.',
    'With a registry: there is no such subject, the schema is not compatible with those before it, or the newest one is of another type.',
    'With a registry: it cannot be reached after all retries, refuses the request, or answers with something else than a schema.',
  ],
  examples: [
    {
      title: 'MessagePack',
      config: { msgpack: {} },
      input: '{"id":9007199254740993,"ok":true}',
      output: { base64: 'gqJpZM8AIAAAAAAAAaJva8M=' },
    },
    {
      title: 'What does not fit the schema fails with its place',
      config: { avro: { schema: { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'long' }] } } },
      input: '{"id":"7"}',
      output: {
        error: 'TG_MESSAGE_INVALID: the payload cannot be encoded as avro: /id is "7", and not of the type long',
      },
    },
    {
      title: 'Rows for a spreadsheet',
      config: { csv: { columns: ['id', 'name'] } },
      input: '[{"id":1,"name":"Lovelace, Ada"},{"id":2}]',
      output: 'id,name\r\n1,"Lovelace, Ada"\r\n2,\r\n',
    },
  ],
  create: (settings, { clock }) => {
    const { name, run } = encoderOf(settings, clock);
    return formatProcessor(`the payload cannot be encoded as ${name}`, run);
  },
});

type Settings = z.output<typeof config>;
type Clock = Parameters<typeof registryEncoder>[0]['clock'];
type Run = (message: Message) => Buffer | Promise<Buffer>;

function encoderOf(settings: Settings, clock: Clock): { readonly name: string; readonly run: Run } {
  const { json, avro, protobuf, csv, base64, limit } = settings;
  const ofValue =
    (encode: Encode): Run =>
    (message) =>
      encode(message.json);
  if (avro !== undefined) return { name: 'avro', run: ofValue(avroEncoder(avro, limit, clock)) };
  if (protobuf !== undefined) return { name: 'protobuf', run: ofValue(protobufEncoder(protobuf, limit, clock)) };
  if (json !== undefined) return { name: 'json', run: ofValue(jsonEncoder(json, limit, clock)) };
  if (csv !== undefined) return { name: 'csv', run: ofValue((value) => encodeCsv(value, csv, limit)) };
  if (base64 !== undefined)
    return { name: 'base64', run: ({ payload }) => within(toBase64(payload, base64.alphabet), limit) };
  return { name: 'msgpack', run: ofValue((value) => encodeMsgpack(value, limit)) };
}

function avroEncoder(given: NonNullable<Settings['avro']>, limit: number, clock: Clock): Encode {
  const writing = (type: AvroType, json: AvroJson): Writing => ({
    prefix: NO_PREFIX,
    encode: (value) => encodeAvro(value, type, json, limit),
  });
  const schema = given.own?.();
  const own = schema && {
    text: schema.text,
    name: avroName(schema.parsed),
    writing: writing(schema.parsed, given.json),
  };
  return encoder(given.registry, clock, 'AVRO', own, ({ text, references }) =>
    writing(parseAvro(text, [...references.values()]), given.json),
  );
}

function protobufEncoder(given: NonNullable<Settings['protobuf']>, limit: number, clock: Clock): Encode {
  const writing = (parsed: ProtoSchema): Writing => {
    const type = parsed.message(given.message);
    return { prefix: indexesBytes(parsed.indexesOf(type)), encode: (value) => encodeProtobuf(value, type, limit) };
  };
  const schema = given.own?.();
  const own = schema && {
    text: schema.text,
    name: schema.parsed.message(given.message).name,
    writing: writing(schema.parsed),
  };
  return encoder(given.registry, clock, 'PROTOBUF', own, ({ text, references }) =>
    writing(parseProto({ text, imports: references })),
  );
}

function jsonEncoder(given: NonNullable<Settings['json']>, limit: number, clock: Clock): Encode {
  const writing: Writing = { prefix: NO_PREFIX, encode: (value) => within(writeJson(value) ?? 'null', limit) };
  const own = given.text === undefined ? undefined : { text: given.text, name: undefined, writing };
  return given.registry === undefined ? writing.encode : encoder(given.registry, clock, 'JSON', own, () => writing);
}

/** Without a registry the value alone, by the schema of the configuration. */
function encoder(
  settings: WritingRegistry | undefined,
  clock: Clock,
  type: 'AVRO' | 'PROTOBUF' | 'JSON',
  own: OwnSchema | undefined,
  writingOf: Parameters<typeof registryEncoder>[0]['writingOf'],
): Encode {
  if (settings !== undefined) return registryEncoder({ registry: settings, clock, type, own, writingOf });
  // The settings were refused where there is neither.
  return (own as OwnSchema).writing.encode;
}

function within(text: string, limit: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > limit) throw invalid(`it is more than ${limit} bytes once encoded; "limit" allows no more`);
  return bytes;
}

/** Throws an Error that says which of the settings do not go together. `name`: of the record that the schema describes. */
function onlyWhatFits(
  given: {
    readonly schema?: unknown;
    readonly file?: string | undefined;
    readonly registry?: WritingRegistry | undefined;
  },
  name: string | undefined,
): void {
  const schemas = [given.schema, given.file].filter((one) => one !== undefined).length;
  if (schemas > 1) throw new Error('give either schema or file');
  if (given.registry === undefined) {
    if (schemas === 0) throw new Error('give schema or file, or a registry');
    return;
  }
  if (given.registry.register && schemas === 0)
    throw new Error('register: true needs the schema that is to be registered: give schema or file');
  if (!given.registry.register && schemas > 0)
    throw new Error(
      'without register: true the newest schema of the subject is used; leave schema and file out, or set it',
    );
  if (subjectOf(given.registry, name) === undefined)
    throw new Error(`the strategy ${given.registry.strategy} needs "record", the full name of the record`);
}
