import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { parseAsWritten } from '../../../src/core/exact-number.ts';
import { Message } from '../../../src/core/message.ts';
import { type ConnectApi, recordsOf, startConnect } from '../../helpers/connect-gateway.ts';
import { FeedServer } from '../../helpers/feed-server.ts';
import { until } from '../../helpers/gateway-process.ts';
import type { KafkaAdmin } from '../../helpers/kafka-admin.ts';
import { readTopic } from '../../helpers/topic-content.ts';
import { recordCases, sourceTransforms, type TransformSettings } from './transform-cases.ts';

const PACKAGE = 'org.apache.kafka.connect.transforms.';
const CONVERTERS = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const LINES = ['one', '{"a":1}', 'ü 3'];
const TIMEOUT = 45_000;

/** Records by their offset, as a sink got them after their transforms. */
type Outcomes = ReadonlyMap<string, unknown>;

/** A record that a source has made. */
export interface SourceRecord {
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Each record has a header by which only the transforms of its case apply; at the end each says which one it is. */
const sinkConfig = () => {
  const stages = recordCases.flatMap(([, ...transforms], at) =>
    transforms.map((settings) => ({ ...settings, predicate: `p${at}` })),
  );
  const last: TransformSettings[] = [
    { type: 'HoistField$Value', field: 'v' },
    { type: 'InsertField$Value', 'offset.field': 'at' },
  ];
  return {
    ...CONVERTERS,
    'errors.tolerance': 'all',
    ...flat([...stages, ...last]),
    predicates: recordCases.map((_, at) => `p${at}`).join(','),
    ...Object.fromEntries(
      recordCases.flatMap((_, at) => [
        [`predicates.p${at}.type`, `${PACKAGE}predicates.HasHeaderKey`],
        [`predicates.p${at}.name`, `case-${at}`],
      ]),
    ),
  };
};

function flat(transforms: readonly TransformSettings[]): Record<string, string> {
  const entries = transforms.flatMap((settings, at) =>
    Object.entries(settings).map(([name, value]) => [
      `transforms.t${at}.${name}`,
      name === 'type' ? PACKAGE + value : value,
    ]),
  );
  return { transforms: transforms.map((_, at) => `t${at}`).join(','), ...Object.fromEntries(entries) };
}

const LAST = recordCases.length;

/** What a worker's sink for files writes: Java's text of each value. */
export async function workerOutcomes(
  t: TestContext,
  api: ConnectApi,
  admin: KafkaAdmin,
  topic: string,
): Promise<Outcomes> {
  const file = join(folderOf(t), 'out.txt');
  const messages = [...recordCases, ['"end"'] as const].map(([value], at) => ({
    key: 'k',
    value,
    headers: { [`case-${at}`]: '' },
  }));
  await admin.produce(topic, messages);
  const config = { 'connector.class': 'FileStreamSink', topics: topic, file, ...sinkConfig() };
  await created(api, `sink-${topic}`, config);
  const outcomes = new Map<string, unknown>();
  const read = () => {
    for (const line of readLines(file)) {
      const { at, v } = javaValue(line) as { at: string; v: unknown };
      outcomes.set(at, v);
    }
    return outcomes.has(String(LAST));
  };
  await until(read, TIMEOUT, () => `the worker's sink wrote ${outcomes.size} records`);
  return outcomes;
}

/** What our sink sends. */
export async function ourOutcomes(t: TestContext, topic: string): Promise<Outcomes> {
  const feed = await FeedServer.start(t);
  const { api, gateway } = await startConnect(t);
  const { context } = gateway;
  await context.log.admin.create({ name: topic });
  const messages = [...recordCases, ['"end"'] as const].map(
    ([value], at) =>
      new Message(Buffer.from(value ?? ''), {
        key: 'k',
        headers: [[`case-${at}`, '']],
        meta: value === null ? { tombstone: true } : {},
      }),
  );
  context.topic(topic).write(new Batch(messages));
  const config = { 'connector.class': 'WebSocketSink', topics: topic, 'websocket.url': feed.url, ...sinkConfig() };
  await created(api, 'sink', config);
  const connection = await feed.connection(1);
  const isLast = (text: string) => (JSON.parse(text) as { at: number }).at === LAST;
  await connection.until(() => connection.received.some(isLast), TIMEOUT);
  const found = connection.received.map((text) => parseAsWritten(text) as { at: unknown; v: unknown });
  return new Map(found.map(({ at, v }) => [String(at), leaves(v)]));
}

export async function workerRecords(
  t: TestContext,
  api: ConnectApi,
  brokers: string,
  admin: KafkaAdmin,
  topic: string,
): Promise<SourceRecord[]> {
  const file = join(folderOf(t), 'in.txt');
  writeFileSync(file, LINES.map((line) => `${line}\n`).join(''));
  const config = { 'connector.class': 'FileStreamSource', file, topic, ...CONVERTERS, ...flat(sourceTransforms) };
  const routed = routedFrom(topic);
  await admin.create(routed);
  await created(api, `source-${topic}`, config);
  await usedTopic(api, `source-${topic}`, routed);
  let records = await readTopic(brokers, routed).catch(() => []);
  await until(
    async () => {
      if (records.length < LINES.length) records = await readTopic(brokers, routed).catch(() => []);
      return records.length >= LINES.length;
    },
    TIMEOUT,
    () => `the worker's source wrote ${records.length} records`,
  );
  return records.map(({ key, value, headers }) => ({ key, value: JSON.parse(value), headers }));
}

export async function ourRecords(t: TestContext, topic: string): Promise<SourceRecord[]> {
  const feed = await FeedServer.start(t, {
    greet: ({ ws }) => {
      for (const line of LINES) ws.send(line);
    },
  });
  const { api, gateway } = await startConnect(t);
  const config = { 'connector.class': 'WebSocketSource', 'websocket.url': feed.url, 'kafka.topic': topic };
  await created(api, 'source', { ...config, ...CONVERTERS, ...flat(sourceTransforms) });
  await usedTopic(api, 'source', routedFrom(topic));
  let records: Message[] = [];
  await until(
    async () => {
      records = await recordsOf(gateway, routedFrom(topic));
      return records.length >= LINES.length;
    },
    TIMEOUT,
    () => `our source wrote ${records.length} records`,
  );
  return records.map(({ key, text, headers }) => ({
    key: String(key),
    value: JSON.parse(text),
    headers: Object.fromEntries(
      headers.filter(([name]) => name !== 'traceparent').map(([name, value]) => [name, String(value)]),
    ),
  }));
}

const routedFrom = (topic: string) => `${topic.slice(topic.lastIndexOf('-') + 1)}.routed.year`;

async function usedTopic(api: ConnectApi, connector: string, topic: string): Promise<void> {
  await api.until(`/connectors/${connector}/topics`, ({ body }) => body?.[connector]?.topics.includes(topic), TIMEOUT);
}

async function created(api: ConnectApi, name: string, config: object): Promise<void> {
  const { status, body } = await api.insist('POST', '/connectors', { name, config: { 'tasks.max': '1', ...config } });
  if (status !== 201) throw new Error(`${name} was not created: ${status} ${JSON.stringify(body)}`);
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-transforms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Whole lines; none while there is no file. */
function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** Scalars as Java prints them: a worker's file does not tell 7 from "7", and prints numbers of JSON in its own form. */
function leaves(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(leaves);
  if (typeof value !== 'object' || value === null || 'digits' in value) return String(value);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, leaves(inner)]));
}

/** Reads what java.util.Map.toString and List.toString print, such as `{a=1, b=[x, y]}`. */
function javaValue(text: string): unknown {
  let at = 0;
  const list = (end: string, each: () => void) => {
    at += 1;
    while (text[at] !== end) {
      each();
      if (text.startsWith(', ', at)) at += 2;
    }
    at += 1;
  };
  const value = (): unknown => {
    if (text[at] === '{') {
      const map: Record<string, unknown> = {};
      list('}', () => {
        const equals = text.indexOf('=', at);
        const name = text.slice(at, equals);
        at = equals + 1;
        map[name] = value();
      });
      return map;
    }
    if (text[at] === '[') {
      const items: unknown[] = [];
      list(']', () => items.push(value()));
      return items;
    }
    const end = /, |[\]}]|$/.exec(text.slice(at))?.index ?? 0;
    at += end;
    return text.slice(at - end, at);
  };
  return value();
}
