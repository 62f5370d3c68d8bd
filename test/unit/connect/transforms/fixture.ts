import type { FlatConfig } from '../../../../src/connect/settings/index.ts';
import type { TransformChain } from '../../../../src/connect/transforms/index.ts';
import { transformsProcessor } from '../../../../src/connect/transforms/index.ts';
import type { Processor } from '../../../../src/core/component.ts';
import type { Headers } from '../../../../src/core/headers.ts';
import { Message } from '../../../../src/core/message.ts';
import { errorsOf, SINK, tasksOf } from '../settings/fixture.ts';

export const PACKAGE = 'org.apache.kafka.connect.transforms.';

/** Settings of transforms by alias, each with its class without package as `type`. */
export type Aliases = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const SOURCE: FlatConfig = {
  name: 'feed',
  'connector.class': 'tidegate.WebSocketSourceConnector',
  'websocket.url': 'ws://h',
  'kafka.topic': 'trades',
  'value.converter': 'json',
  'key.converter': 'json',
};

/** The flat settings, as a connector has them. */
export function flat(transforms: Aliases, predicates: Aliases = {}): FlatConfig {
  return { ...listed('transforms', transforms, PACKAGE), ...listed('predicates', predicates, `${PACKAGE}predicates.`) };
}

function listed(kind: string, aliases: Aliases, prefix: string): Record<string, string> {
  const entries = Object.entries(aliases).flatMap(([alias, settings]) =>
    Object.entries(settings).map(([name, value]) => [
      `${kind}.${alias}.${name}`,
      name === 'type' ? prefix + value : value,
    ]),
  );
  return { [kind]: Object.keys(aliases).join(','), ...Object.fromEntries(entries) };
}

/** What is wrong with settings of transforms of a source, by setting. */
export function mistakesOf(transforms: Aliases, predicates: Aliases = {}) {
  return errorsOf({ ...SOURCE, ...flat(transforms, predicates) });
}

/** The processor of a connector's transforms. */
export function processorOf(config: FlatConfig): Processor {
  const processors = tasksOf(config)[0]?.pipeline.processors ?? [];
  const last = processors.at(-1);
  if (last === undefined || !('spec' in last) || last.spec.name !== transformsProcessor.name)
    throw new Error('it has no transforms');
  return transformsProcessor.create(last.config as TransformChain, undefined as never) as Processor;
}

export interface Given {
  /** null: a tombstone. */
  readonly value?: string | null;
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
  readonly timestamp?: number;
}

function messageOf({ value = '{}', key = null, headers = [], timestamp = 0 }: Given, place: object = {}): Message {
  const meta = value === null ? { tombstone: true } : {};
  return new Message(Buffer.from(value ?? ''), { key, headers, timestamp, meta, ...place });
}

/** A record of a source after one transform; null where it ended. */
export function transformed(settings: Readonly<Record<string, string>>, given: Given = {}): Message | null {
  return through({ ...SOURCE, ...flat({ t: settings }) }, given);
}

/** A record of a connector with these settings, after its transforms. */
export function through(config: FlatConfig, given: Given): Message | null {
  const place = config['connector.class']?.includes('Sink') ? { topic: 'orders', partition: 2, offset: 41 } : {};
  return processorOf(config).process(messageOf(given, place)) as Message | null;
}

/** The text of a value after one transform of values. */
export function valueAfter(settings: Readonly<Record<string, string>>, value: string): string | undefined {
  return transformed(settings, { value })?.text;
}

export const SINK_OF_JSON: FlatConfig = { ...SINK, 'value.converter': 'json', 'key.converter': 'json' };
