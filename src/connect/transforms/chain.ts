import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { quoteValue } from '../../core/quote.ts';
import { defineProcessor, z } from '../../sdk/index.ts';
import type { Predicate, Transform, TransformRecord } from './record.ts';
import {
  keyForLog,
  keyFromLog,
  type RecordForm,
  valueForLog,
  valueForServer,
  valueFromLog,
  valueFromServer,
} from './record-form.ts';
import { Tombstones } from './tombstones.ts';

/** One of `transforms`, by its alias. */
export interface TransformStage {
  readonly alias: string;
  readonly transform: Transform;
  /** Records for which this is true are transformed; undefined: all. */
  readonly applies: Predicate | undefined;
}

/** The transforms of a connector. */
export interface TransformChain {
  readonly type: 'source' | 'sink';
  readonly stages: readonly TransformStage[];
  readonly form: RecordForm;
  /** That of a source's records, before a transform chooses another one. */
  readonly topic: string;
  /** Why a record may not go to a topic; undefined where it may. */
  readonly refusalOf: (topic: string) => string | undefined;
}

/** The processor that a connector with `transforms` has. No pipeline of the configuration can name it. */
export const transformsProcessor = defineProcessor({
  name: 'transforms',
  summary: 'Transforms records as Kafka Connect does.',
  config: z.custom<TransformChain>(),
  examples: [],
  create: (chain) => {
    const { type, topic } = chain;
    const tombstones = new Tombstones();
    return {
      process: (message) => {
        const record = type === 'source' ? recordFromServer(message, chain) : recordFromLog(message, chain);
        const { key, value } = record;
        for (const stage of chain.stages) if (!goesThrough(stage, record)) return null;
        const next = message.derive({
          payload: payloadOf(record, message, value, chain),
          key: record.key === key ? message.key : keyForLog(record.key),
          headers: record.headers,
          meta: tombstones.metaOf(message.meta, record.value === null),
        });
        // A record of a sink keeps its place, which is committed.
        if (type === 'source') next.topic = record.topic === topic ? topic : checked(record.topic, chain);
        return next;
      },
    };
  },
});

function recordFromServer(message: Message, { form, topic }: TransformChain): TransformRecord {
  const { key, headers, timestamp } = message;
  const value = valueFromServer(message, form);
  return { topic, partition: undefined, offset: undefined, key, value, headers, timestamp: timeOf(timestamp) };
}

function recordFromLog(message: Message, { form, topic }: TransformChain): TransformRecord {
  const { partition, offset, headers, timestamp } = message;
  const value = valueFromLog(message, form);
  const key = keyFromLog(message.key, form);
  return { topic: message.topic ?? topic, partition, offset, key, value, headers, timestamp: timeOf(timestamp) };
}

/** A message without a timestamp has 0. */
function timeOf(timestamp: number): number | undefined {
  return timestamp === 0 ? undefined : timestamp;
}

/** Whether the record goes on, changed by the transform. */
function goesThrough({ alias, transform, applies }: TransformStage, record: TransformRecord): boolean {
  if (applies !== undefined && !applies(record)) return true;
  try {
    return transform(record) !== null;
  } catch (error) {
    const { code, message } = asTidegateError(error, 'TG_PROCESSOR_FAILED');
    throw new TidegateError(code, `transforms.${alias}: ${message}`, error);
  }
}

/** What no transform has touched stays byte for byte, unless a converter changes it. `before`: the value as it came. */
function payloadOf({ value }: TransformRecord, message: Message, before: unknown, chain: TransformChain): Buffer {
  const { type, form } = chain;
  if (value === before && value !== null && form.value !== 'connect_json') return message.payload;
  return type === 'source' ? valueForLog(value, form) : valueForServer(value);
}

function checked(topic: string, { refusalOf }: TransformChain): string {
  const refusal = refusalOf(topic);
  if (refusal === undefined) return topic;
  throw new TidegateError('TG_MESSAGE_INVALID', `the transforms give the topic ${quoteValue(topic)}: ${refusal}`);
}
