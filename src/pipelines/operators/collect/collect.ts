import { defineOperator, type Expression, field, Message, type StatefulOperator, z } from '../../../sdk/index.ts';
import { keptOf, keyOf } from '../record.ts';
import { spanSettings, stateSettings } from '../settings.ts';
import { StateSize } from '../state-limit.ts';
import { Arrays, type Collecting, type Item } from './arrays.ts';

export const collect = defineOperator({
  name: 'collect',
  summary: 'Makes one JSON array of the records of a partition that follow each other: so many, or those of a period.',
  description: `
With \`by\` there is an array for each of its values, which is the key of the record with the array. Without \`by\` that
has no key: give the sink one if the order of the arrays matters. Arrays that did not become full end together, \`period\` after the first record of the
first of them, by the timestamps of the records; when no record comes for as long, by the clock.`.trim(),
  failures: [
    '`by` gives no value, or an object.',
    '`value` fails, as it does where the payload is not JSON.',
    'The state is full (TG_STATE_FULL).',
  ],
  stateful: true,
  needsTopic: true,
  config: z
    .strictObject({
      count: field.integer({ min: 1, max: 100_000 }).optional().describe('Values of a full array.'),
      period: spanSettings()
        .optional()
        .describe('Time after the first record at which arrays end that are not full. Left out: they wait.'),
      bytes: field
        .size()
        .refine((bytes) => bytes > 0 && bytes <= 64 * 1024 * 1024, 'expected more than 0B and at most 64MiB')
        .default(512 * 1024)
        .describe('An array ends in front of the value with which it would be longer.'),
      by: field.expression().optional().describe('An array for each of its values. Left out: one for all records.'),
      value: field
        .expression()
        .optional()
        .describe('What the array has of each record. Left out: its payload, as text where that is not JSON.'),
      state: stateSettings('Keys in open arrays of a partition.'),
    })
    .refine(({ count, period }) => count !== undefined || period !== undefined, 'give count, period, or both')
    .refine(
      ({ by, period }) => by === undefined || period !== undefined,
      'with by, give a period: the array of a key without further records would never end, and all records since would be read again after a restart',
    ),
  examples: [
    { count: 100, period: '1s' },
    { period: '10s', by: '${! key }', value: '${! json.price }' },
  ],
  create: (settings, { clock, path }): StatefulOperator => {
    const { count = Number.POSITIVE_INFINITY, period, bytes, by, value, state } = settings;
    const collecting: Collecting = {
      count,
      bytes,
      period,
      read: (record) => itemOf(record, by, value),
      result: ({ key, values, time }, fullBy) => {
        const trace = fullBy?.trace;
        return new Message(Buffer.from(`[${values.join(',')}]`), {
          key: key ?? null,
          headers: [['tidegate-count', String(values.length)]],
          timestamp: time,
          ...(trace === undefined ? {} : { trace }),
        });
      },
    };
    return {
      lateness: 0,
      idle: period,
      restartsWhereEmpty: true,
      // A record of the future would stop the period for all others.
      timeOf: ({ timestamp }) => Math.min(timestamp, clock.now()),
      partition: (port) => new Arrays(collecting, port, new StateSize(state, path, 'make the period shorter')),
    };
  },
});

function itemOf(record: Message, by: Expression | undefined, value: Expression | undefined): Item | Promise<Item> {
  const key = by === undefined ? undefined : keyOf(record, by);
  const kept = keptOf(record, value);
  if (key instanceof Promise || kept instanceof Promise)
    return Promise.all([key, kept]).then(([text, json]) => ({ key: text, value: json }));
  return { key, value: kept };
}
