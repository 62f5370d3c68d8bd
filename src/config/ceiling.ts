import { formatSize } from '../core/units.ts';
import type { InnerSink } from '../sdk/define.ts';
import { sinksOf } from './pipelines/ends.ts';
import { channelHistoryOf } from './schema/channels-schema.ts';
import type { GatewayConfig } from './schema/schema.ts';
import { componentsIn } from './schema/step-schema.ts';

/** Node.js with its code and heap, the log's driver and what the garbage collector has not freed yet. */
const PROCESS = 256 * 1_048_576;
/** A read chunk of Node, and what waits in a network socket before the send queue begins. */
const CHUNK = 65_536;
/**
 * What a connection may take on top of everything else: two read chunks (what was read when its gate closed or the limit
 * was reached, and one that Node reads before it stops), what the network socket has not sent, and its objects.
 */
const CONNECTION = 3 * CHUNK + 16_384;
/** A subscription of a connection to a channel, with the longest name that a client can choose. */
const SUBSCRIPTION = 768;
/** What is known of it on all gateways (`channels.presence`), with the longest name, user and info. */
const KNOWN_SUBSCRIPTION = 2_048;

/** Objects, key and headers of a copy of a message. */
const COPY = 512;
/** The largest send to a topic, encoded. */
const SEND = 1_048_576;

type Endpoint = GatewayConfig['endpoints'][string];

export interface Ceiling {
  /** Bytes. */
  readonly total: number;
  readonly process: number;
  readonly pipelines: number;
  /** What sinks hold beside that: the copies that `all` makes, and what is sent to topics whose names come from messages. */
  readonly sinks: number;
  /** What their processors keep beside messages, such as tables. */
  readonly tables: number;
  /** Clients of endpoints such as `topics`, which publish without a pipeline. */
  readonly publishers: number;
  /** What their groups hold unconfirmed. */
  readonly groups: number;
  /** Records that are kept for clients that join late. */
  readonly replay: number;
  /** Earlier records of channels. */
  readonly history: number;
  readonly connections: number;
  readonly limit: number;
}

/**
 * The most resident memory that the process can take, as far as it follows from the configuration. How many groups clients join,
 * and how many tasks connectors have, does not: see `beyondCeiling`.
 */
export function memoryCeiling(config: GatewayConfig): Ceiling {
  const pipelines = sum(Object.values(config.pipelines).map(({ in_flight }) => in_flight.bytes));
  const sinks = sum(Object.values(config.pipelines).map(sinksCeiling));
  const tables = sum(
    Object.values(config.pipelines)
      .flatMap(({ processors }) => componentsIn(processors, []))
      .map(({ chosen: { spec, config: settings } }) => spec.memory?.(settings) ?? 0),
  );
  const serving = Object.values(config.endpoints).filter(({ codec }) => codec.spec.servesTopics === true);
  const publishers = sum(serving.map(({ topics }) => topics.in_flight.bytes));
  const connections = sum(
    Object.values(config.endpoints).map(
      ({ max_connections, channels }) =>
        max_connections * (CONNECTION + (channels?.max_per_connection ?? 0) * SUBSCRIPTION) +
        (channels?.presence?.max_known ?? 0) * KNOWN_SUBSCRIPTION,
    ),
  );
  const replay = sum(Object.values(config.endpoints).map(replayCeiling));
  const history = sum(Object.values(config.endpoints).map(historyCeiling));
  const { limit } = config.memory;
  const groups = serving.length > 0 ? config.memory.groups : 0;
  const total = PROCESS + pipelines + sinks + tables + publishers + groups + replay + history + connections + limit;
  return { total, process: PROCESS, pipelines, sinks, tables, publishers, groups, replay, history, connections, limit };
}

/** Beside the frames as they are, those of each other form in which they leave. */
function replayCeiling(endpoint: Endpoint): number {
  return (endpoint.replay?.bytes ?? 0) * formsOf(endpoint);
}

function historyCeiling(endpoint: Endpoint): number {
  const history = channelHistoryOf(endpoint.channels);
  return (history?.bytes ?? 0) * formsOf(endpoint);
}

function formsOf({ compression, sse }: Endpoint): number {
  return 1 + (compression === undefined ? 0 : 1) + (sse ? 1 : 0);
}

/** Copies share their payload, and may have a key and headers of their own; a topic has one send in flight at a time. */
function sinksCeiling(pipeline: GatewayConfig['pipelines'][string]): number {
  const { messages, bytes } = pipeline.in_flight;
  const copies = Math.min(bytes, messages * COPY) * copiesIn(pipeline.sink);
  const topics = sum(sinksOf(pipeline).map(({ chosen: { spec, config } }) => (spec.openTopics?.(config) ?? 1) - 1));
  return copies + Math.min(bytes, topics * SEND);
}

/** Copies of a message that a sink and those within it hold at most, besides the message itself. */
function copiesIn({ spec, config }: InnerSink): number {
  const inner = spec.inner?.(config).map(({ value }) => copiesIn(value as InnerSink)) ?? [];
  if (inner.length === 0) return 0;
  if (spec.copies === 'each') return inner.length + sum(inner);
  return Math.max(...inner) + (spec.copies === 'one' ? 1 : 0);
}

/** `ceiling 1.3 GiB: process ... + pipelines ... + connections ... + memory.limit ...`. */
export function describeCeiling(ceiling: Ceiling): string {
  const { total, pipelines, sinks, tables, publishers, groups, replay, history, connections, limit } = ceiling;
  const parts = [`process ${rounded(ceiling.process)}`, `pipelines ${rounded(pipelines)}`];
  if (sinks > 0) parts.push(`sinks ${rounded(sinks)}`);
  if (tables > 0) parts.push(`tables ${rounded(tables)}`);
  if (publishers > 0) parts.push(`clients that publish to topics ${rounded(publishers)}`);
  if (groups > 0) parts.push(`their groups ${rounded(groups)}`);
  if (replay > 0) parts.push(`replay ${rounded(replay)}`);
  if (history > 0) parts.push(`channel history ${rounded(history)}`);
  parts.push(`connections ${rounded(connections)}`, `memory.limit ${rounded(limit)}`);
  return `ceiling ${rounded(total)}: ${parts.join(' + ')}`;
}

/** What comes on top of the ceiling and is known only while the gateway runs, as `and for each ...`; empty for nothing. */
export function beyondCeiling(config: GatewayConfig): string[] {
  const beyond: string[] = [];
  if (Object.values(config.endpoints).some(({ codec }) => codec.spec.servesTopics === true))
    beyond.push(
      'and for each group of clients: one fetch of 1 MiB, and one record of each partition that it reads here',
    );
  if (config.connect !== undefined) beyond.push('and for each task of a connector that runs here: 64 MiB');
  return beyond;
}

function rounded(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = '';
  while (value >= 1_024 && units.length > 0) {
    value /= 1_024;
    unit = units.shift() ?? unit;
  }
  return unit === '' ? formatSize(bytes) : `${Number(value.toFixed(1))} ${unit}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
