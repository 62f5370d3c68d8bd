import type { KafkaSettings } from '../transports/kafka/connection/schema.ts';
import { doubting, type Finding } from './problem/problem.ts';
import { didYouMean } from './problem/suggest.ts';
import { IGNORED, type Ignored, type S2Sections, s2Schema } from './schema/s2.ts';

/** What S2's options mean here. What is left out keeps the default of its place. */
export interface S2Settings {
  readonly brokers?: readonly string[];
  readonly clientId?: string;
  readonly ssl?: KafkaSettings['ssl'];
  readonly sasl?: KafkaSettings['sasl'];
  readonly port?: number;
  readonly host?: string;
  readonly group?: string;
  readonly from?: 'earliest' | 'latest';
  readonly commit?: 'auto' | 'manual';
  /** Milliseconds. */
  readonly commitInterval?: number;
  /** Milliseconds. */
  readonly sessionTimeout?: number;
  /** A subscription delivers nothing until its client says resume. */
  readonly paused?: boolean;
  /** Of a client's records, before they go to the log; at once where it is left out. */
  readonly publish?: Collecting;
  /** Of a subscription's records, before they go to the client in one frame; at once where it is left out. */
  readonly notify?: Collecting;
}

/** Go on with `limit` records, or with what there is after `interval` milliseconds. */
export interface Collecting {
  readonly limit: number;
  readonly interval: number;
}

export interface S2Reading {
  readonly settings: S2Settings;
  /** One for each option that is given and has no effect; paths begin with the name of the section. */
  readonly warnings: readonly Finding[];
}

type Section = keyof S2Sections;

const SECTIONS = Object.keys(s2Schema.shape) as Section[];

/** What a program's options for S2 mean here, and why some of them do nothing. */
export function readS2(sections: S2Sections): S2Reading {
  const { kafka_config: kafka, producer_config: producer, consumer_config: consumer, websocket_config: ws } = sections;
  const settings: S2Settings = given({
    brokers: kafka.kafkaHost ?? consumer.kafkaHost,
    clientId: kafka.clientId,
    ssl: readTls(kafka.sslOptions ?? consumer.sslOptions),
    sasl: kafka.sasl ?? consumer.sasl,
    port: ws.port,
    host: ws.host,
    group: consumer.groupId,
    from: consumer.fromOffset === 'none' ? undefined : consumer.fromOffset,
    commit: consumer.autoCommit === undefined ? undefined : consumer.autoCommit ? 'auto' : 'manual',
    commitInterval: consumer.autoCommitIntervalMs,
    sessionTimeout: consumer.sessionTimeout,
    paused: consumer.paused,
    publish: readCollecting(producer),
    notify: readCollecting(consumer),
  });
  const warnings = [
    ...SECTIONS.flatMap((section) => withoutEffect(section, sections[section])),
    ...twoLinks(sections),
    ...(['kafka_config', 'consumer_config'] as const).flatMap((name) => tlsByContent(name, sections[name].sslOptions)),
    ...(['producer_config', 'consumer_config'] as const).flatMap((name) => noLimit(name, sections[name])),
    ...(consumer.fromOffset === 'none' ? [NONE] : []),
  ];
  return { settings, warnings };
}

/** S2 sends each record at once without an interval, and also with one where there is no limit beside it. */
function readCollecting({ mq_limit, mq_interval }: MessageQueue): Collecting | undefined {
  const limit = mq_limit ?? 0;
  const interval = mq_interval ?? 0;
  return limit > 1 && interval > 0 ? { limit, interval } : undefined;
}

type MessageQueue = Pick<S2Sections['producer_config'], 'mq_limit' | 'mq_interval'>;

function noLimit(section: Section, { mq_limit, mq_interval }: MessageQueue): Finding[] {
  if ((mq_interval ?? 0) === 0 || (mq_limit ?? 0) > 0) return [];
  return [
    doubting([section, 'mq_interval'], 'without mq_limit nothing is collected: records go at once, as they do in S2'),
  ];
}

type Tls = S2Sections['kafka_config']['sslOptions'];

/** kafka-node uses TLS where there are options for it, whatever they are. */
function readTls(options: Tls): KafkaSettings['ssl'] | undefined {
  if (typeof options !== 'object') return options;
  return options.rejectUnauthorized === false ? { reject_unauthorized: false } : true;
}

function tlsByContent(section: Section, options: Tls): Finding[] {
  if (typeof options !== 'object') return [];
  const others = Object.keys(options).filter((name) => name !== 'rejectUnauthorized');
  if (others.length === 0) return [];
  return [
    doubting(
      [section, 'sslOptions'],
      `of these options rejectUnauthorized is understood, but not ${others.join(', ')}; name the files of certificates and keys in ssl under log`,
    ),
  ];
}

function twoLinks({ kafka_config: kafka, consumer_config: consumer }: S2Sections): Finding[] {
  return (['kafkaHost', 'sasl', 'sslOptions'] as const)
    .filter((name) => kafka[name] !== undefined && consumer[name] !== undefined)
    .filter((name) => JSON.stringify(kafka[name]) !== JSON.stringify(consumer[name]))
    .map((name) =>
      doubting(['consumer_config', name], 'without effect: the gateway has one link to Kafka, that of kafka_config'),
    );
}

const NONE = doubting(
  ['consumer_config', 'fromOffset'],
  'a group that has committed nothing is not an error here; a subscription that does not say starts where its endpoint says',
);

function withoutEffect(section: Section, options: Readonly<Record<string, unknown>>): Finding[] {
  const ignored: Readonly<Record<string, Ignored>> = IGNORED[section];
  const known = Object.keys(s2Schema.shape[section].unwrap().shape);
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const option = Object.hasOwn(ignored, name) ? ignored[name] : undefined;
    if (option !== undefined) {
      return option.same === value ? [] : [doubting([section, name], `without effect: ${option.why}`)];
    }
    return known.includes(name) ? [] : [unlisted(section, name, known)];
  });
}

function unlisted(section: Section, name: string, known: readonly string[]): Finding {
  const home = SECTIONS.find((other) => Object.hasOwn(s2Schema.shape[other].unwrap().shape, name));
  const hint = home === undefined ? didYouMean(name, known) : `; it is an option of ${home}`;
  return doubting([section, name], `without effect: S2 lists no such option in ${section}${hint}`, { at: 'key' });
}

function given<T extends object>(all: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}
