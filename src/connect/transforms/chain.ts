import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
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
    const tombstones = new Tombstones();
    const isSource = chain.type === 'source';
    return {
      process: (message) => {
        const record = isSource ? recordFromServer(message, chain) : recordFromLog(message, chain);
        const transformed = transform(record, chain);
        if (transformed === null) return null;
        const next = derived(message, record, transformed, chain, tombstones);
        if (isSource) next.topic = transformed.topic;
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
  const from = message.topic ?? topic;
  return { topic: from, partition, offset, key, value, headers, timestamp: timeOf(timestamp) };
}

/** A message without a timestamp has 0. */
function timeOf(timestamp: number): number | undefined {
  return timestamp === 0 ? undefined : timestamp;
}

function transform(record: TransformRecord, { stages, refusalOf }: TransformChain): TransformRecord | null {
  let current = record;
  for (const stage of stages) {
    const next = applied(stage, current);
    if (next === null) return null;
    current = next;
  }
  if (current.topic === record.topic) return current;
  const refusal = refusalOf(current.topic);
  if (refusal === undefined) return current;
  throw new TidegateError('TG_MESSAGE_INVALID', `the transforms give the topic ${current.topic}: ${refusal}`);
}

function applied({ alias, transform, applies }: TransformStage, record: TransformRecord): TransformRecord | null {
  if (applies !== undefined && !applies(record)) return record;
  try {
    return transform(record);
  } catch (error) {
    const { code, message } = asTidegateError(error, 'TG_PROCESSOR_FAILED');
    throw new TidegateError(code, `transforms.${alias}: ${message}`, error);
  }
}

/** The message with what has changed. What no transform has touched stays byte for byte, unless a converter changes it. */
function derived(
  message: Message,
  before: TransformRecord,
  after: TransformRecord,
  { type, form }: TransformChain,
  tombstones: Tombstones,
): Message {
  const isPlain = before.value === after.value && form.value !== 'connect_json';
  const payload = isPlain
    ? message.payload
    : type === 'source'
      ? valueForLog(after.value, form)
      : valueForServer(after.value);
  return message.derive({
    payload,
    key: before.key === after.key ? message.key : keyForLog(after.key),
    headers: after.headers,
    meta: tombstones.metaOf(message.meta, after.value === null),
  });
}
