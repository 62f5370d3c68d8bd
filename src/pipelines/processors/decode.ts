import { defineProcessor, field, TidegateError, z } from '../../sdk/index.ts';
import { fromBase64 } from '../formats/base/base64.ts';
import { decodeCsv } from '../formats/csv.ts';
import { csvSettings } from '../formats/csv-settings.ts';
import { decodeJson } from '../formats/json.ts';
import { decodeMsgpack } from '../formats/msgpack/decode.ts';
import { readingRegistry } from '../formats/registry/settings.ts';
import { avroDecoder, type Decode, jsonDecoder, protobufDecoder } from '../formats/schema-decoders.ts';
import { avroOf, avroText, checked, hidden, protoOf, protoText, schemaFile } from '../formats/schema-source.ts';
import { alphabet, formatProcessor, isOneFormat, limit, ONE_FORMAT } from './format-processor.ts';

const registry = readingRegistry
  .optional()
  .describe("The schema registry that the ids in front of the payloads belong to, in Confluent's wire format.");

const avro = z
  .strictObject({
    schema: avroText,
    file: schemaFile,
    registry,
    json: z
      .enum(['plain', 'avro'])
      .prefault('plain')
      .describe(
        "plain: a union is its value alone, bytes are Base64, decimals are numbers. avro: the JSON encoding of Avro's specification, with the type around the value of a union, and logical types as what they are made of.",
      ),
    times: z
      .enum(['text', 'number'])
      .prefault('text')
      .describe('With `plain`, dates and times as text in ISO 8601, or as the numbers that are in the payload.'),
  })
  .transform(
    checked((given) => {
      onlyOne(given);
      const type = avroOf(given)?.parsed;
      return {
        source: type && hidden({ type }),
        registry: given.registry,
        json: given.json,
        times: given.times,
      };
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
      .describe(
        'Name of the message in `schema` or `file`; the first one where it is left out. With a registry the payload says it.',
      ),
    names: z
      .enum(['json', 'proto'])
      .prefault('json')
      .describe('json: names of fields in lowerCamelCase, as the JSON of Protobuf has them. proto: as in the schema.'),
    defaults: field
      .boolean()
      .prefault(false)
      .describe('Whether fields that are not set are written as 0, empty or false.'),
  })
  .transform(
    checked((given) => {
      onlyOne(given);
      if (given.registry !== undefined && given.message !== undefined)
        throw new Error('"message" is for schema and file; with a registry the payload says which message it is');
      const type = protoOf(given)?.parsed.message(given.message);
      const { names, defaults } = given;
      return { source: type && hidden({ type }), registry: given.registry, names, defaults };
    }),
  );

const config = z
  .strictObject({
    json: z
      .strictObject({ registry })
      .optional()
      .describe('JSON, in UTF-8 with or without a byte order mark; with a registry, behind the id of its schema.'),
    avro: avro.optional().describe('Avro, in its binary encoding.'),
    protobuf: protobuf.optional().describe('Protobuf, in its wire format.'),
    msgpack: z.strictObject({}).optional().describe('MessagePack.'),
    csv: csvSettings.optional().describe('Rows with a delimiter (RFC 4180), which become a list.'),
    base64: z
      .strictObject({
        alphabet: alphabet().describe('url: with - and _ (RFC 4648, section 5).'),
      })
      .optional()
      .describe('Base64, with or without padding; the result are the bytes.'),
    limit,
  })
  .refine(isOneFormat, ONE_FORMAT);

export const decode = defineProcessor({
  name: 'decode',
  summary:
    'Makes JSON of a payload in another format: Avro, Protobuf, MessagePack, CSV, Base64, also by a schema registry.',
  description:
    'How each format looks as JSON is in [formats](../formats.md). Integers keep every digit. A payload of a few bytes can stand for millions of values, so `limit` bounds the JSON, and what is nested more than 100 levels deep fails. A schema is fetched once and kept. A registry that cannot be reached, or answers with a status of 500 or above, is TG_PROCESSOR_BUSY: the message is tried again, `on_error.retries` times. A record without a value passes.',
  config,
  failures: [
    'The payload is not of the format, ends too early, or has bytes behind its value.',
    'The JSON is larger than `limit`, or nested more than 100 levels deep.',
    'With a registry: there is no id in front, the registry has no such schema, or one of another type.',
    'With a registry: it cannot be reached after all retries, refuses the request, or answers with something else than a schema.',
  ],
  examples: [
    {
      title: 'Avro by a schema of the configuration',
      config: {
        avro: {
          schema: {
            type: 'record',
            name: 'Order',
            fields: [
              { name: 'id', type: 'long' },
              { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
              { name: 'note', type: ['null', 'string'] },
            ],
          },
        },
      },
      input: { base64: 'goCAgICAgCCApvGvzlkCBGhp' },
      output: '{"id":9007199254740993,"at":"2018-10-14T14:32:31.360Z","note":"hi"}',
    },
    {
      title: 'MessagePack, whose integers keep every digit',
      config: { msgpack: {} },
      input: { base64: 'gqJpZM8AIAAAAAAAAaJva8M=' },
      output: '{"id":9007199254740993,"ok":true}',
    },
    {
      title: 'Rows with the names of their columns',
      config: { csv: { delimiter: ';' } },
      input: 'id;name\r\n1;"Lovelace; Ada"\r\n',
      output: '[{"id":"1","name":"Lovelace; Ada"}]',
    },
    {
      title: 'Base64 that is not whole fails',
      config: { base64: {} },
      input: 'aGVsbG8h?',
      output: { error: 'TG_MESSAGE_INVALID: the payload cannot be decoded as base64' },
    },
  ],
  create: (settings, { clock }) => {
    const { name, run } = decoderOf(settings, clock);
    return formatProcessor(`the payload cannot be decoded as ${name}`, ({ payload }) => run(payload));
  },
});

type Settings = z.output<typeof config>;
type Clock = Parameters<typeof jsonDecoder>[1];

function decoderOf(settings: Settings, clock: Clock): { readonly name: string; readonly run: Decode } {
  const { json, avro, protobuf, csv, base64, limit } = settings;
  if (avro !== undefined)
    return { name: 'avro', run: avroDecoder(sourceOf(avro, clock), { json: avro.json, times: avro.times, limit }) };
  if (protobuf !== undefined) {
    const { names, defaults } = protobuf;
    return { name: 'protobuf', run: protobufDecoder(sourceOf(protobuf, clock), { names, defaults, limit }) };
  }
  if (json !== undefined) {
    const check = (body: Buffer) => decodeJson(body, limit);
    return { name: 'json', run: json.registry === undefined ? check : jsonDecoder(json.registry, clock, check) };
  }
  if (csv !== undefined) return { name: 'csv', run: (payload) => decodeCsv(payload, csv, limit) };
  if (base64 !== undefined)
    return { name: 'base64', run: (payload) => fromBase64(payload.toString('latin1').trim(), base64.alphabet) };
  return { name: 'msgpack', run: (payload) => decodeMsgpack(payload, limit) };
}

function sourceOf<T, R>(
  given: { readonly source: (() => T) | undefined; readonly registry: R | undefined },
  clock: Clock,
): T | { readonly registry: R; readonly clock: Clock } {
  if (given.source !== undefined) return given.source();
  if (given.registry !== undefined) return { registry: given.registry, clock };
  throw new TidegateError('TG_CONFIG_INVALID', 'there is neither a schema nor a registry');
}

function onlyOne(given: { readonly schema?: unknown; readonly file?: unknown; readonly registry?: unknown }): void {
  const count = [given.schema, given.file, given.registry].filter((one) => one !== undefined).length;
  if (count !== 1) throw new Error('give exactly one of schema, file and registry');
}
