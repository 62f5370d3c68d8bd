import {
  defineOperator,
  type Expression,
  field,
  Message,
  type PartitionPort,
  type StatefulOperator,
  writeJson,
  z,
} from '../../../sdk/index.ts';
import { keyOf, timeOf } from '../record.ts';
import { aggregateSettings } from './aggregate.ts';
import { FixedWindows } from './fixed-windows.ts';
import type { Contribution, Grouping } from './groups.ts';
import { SessionWindows } from './session-windows.ts';
import { StateSize } from './state-limit.ts';

const MAX_LENGTH = 31 * 86_400_000;

const length = () =>
  field
    .duration()
    .refine(
      (milliseconds) => milliseconds > 0 && milliseconds <= MAX_LENGTH,
      'expected more than 0 and at most 744h (31 days): the records of a window are read again after a restart, so the topic has to keep them for as long',
    );

export const window = defineOperator({
  name: 'window',
  summary: 'Groups records by key and time, and gives one JSON record for each key and window when it ends.',
  stateful: true,
  needsGroup: true,
  config: z
    .strictObject({
      tumbling: length().optional().describe('Windows of this length, one behind the other.'),
      hopping: z
        .strictObject({
          size: length().describe('Length of a window.'),
          every: length().describe('A window begins every so often.'),
        })
        .refine(
          ({ size, every }) => every <= size && size / every <= 1_000,
          'every is at most size, and at least a thousandth of it',
        )
        .optional()
        .describe('Windows that overlap.'),
      session: length().optional().describe('A window lasts until its key has no record for so long.'),
      time: field
        .expression()
        .optional()
        .describe(
          "Time of a record: milliseconds since the epoch, or text as in ISO 8601. Left out: the record's timestamp.",
        ),
      lateness: field.duration().default(0).describe('How far a record may be behind the latest one of its partition.'),
      idle: field
        .duration()
        .optional()
        .describe(
          'A partition without records for so long follows the clock, so that its windows end. Left out: they wait for the next record.',
        ),
      by: field.expression().optional().describe("Key of the groups. Left out: the record's key."),
      aggregate: aggregateSettings().describe(
        'Fields of the result by their names: count, or one of count, sum, min, max, avg, first, last, collect and distinct (approximate above 64 values) of an expression.',
      ),
      state: z
        .strictObject({
          keys: field.integer({ min: 1 }).default(1_000_000).describe('Keys in open windows of a partition.'),
          bytes: field
            .size()
            .default(256 * 1024 * 1024)
            .describe('Memory of the open windows of a partition, about.'),
        })
        .prefault({})
        .describe('Limits; a record that would exceed them fails with TG_STATE_FULL.'),
    })
    .refine(
      ({ tumbling, hopping, session }) =>
        [tumbling, hopping, session].filter((kind) => kind !== undefined).length === 1,
      'give one of tumbling, hopping and session',
    ),
  examples: [
    { tumbling: '1m', aggregate: { n: 'count', total: { sum: '${! json.amount }' } } },
    {
      hopping: { size: '1m', every: '10s' },
      time: '${! json.at }',
      lateness: '5s',
      aggregate: { highest: { max: '${! json.p }' } },
    },
    { session: '30s', idle: '1m', by: '${! json.user }', aggregate: { pages: { collect: '${! json.page }' } } },
  ],
  create: (settings, { path, stats, logger }): StatefulOperator => {
    const { tumbling, hopping, session, time, lateness, idle, by, aggregate, state } = settings;
    const late = stats.counter('tidegate_window_late_total', { place: path });
    const grouping: Grouping = {
      aggregate,
      read: (record) => contributionOf(record, by, aggregate.values(record)),
      result: (key, { start, end }, accumulators) => {
        const value = { key, start, end, ...aggregate.result(accumulators) };
        const headers = [
          ['tidegate-window-start', String(start)],
          ['tidegate-window-end', String(end)],
        ] as const;
        return new Message(Buffer.from(writeJson(value) ?? ''), { key, headers, timestamp: end });
      },
      late: (record) => {
        if (record.isReplayed) return;
        late.value += 1;
        logger.debug(
          { topic: record.topic, partition: record.partition, offset: record.offset },
          'a record came too late for its window',
        );
      },
    };
    return {
      lateness,
      idle,
      timeOf: (record) => timeOf(record, time),
      partition: (port: PartitionPort) => {
        const size = new StateSize(state, path);
        if (session !== undefined) return new SessionWindows(grouping, session, port, size);
        // One of the three is given.
        const { size: span, every } = hopping ?? { size: tumbling ?? 0, every: tumbling ?? 0 };
        return new FixedWindows(grouping, span, every, port, size);
      },
    };
  },
});

function contributionOf(
  record: Message,
  by: Expression | undefined,
  values: unknown[] | Promise<unknown[]>,
): Contribution | Promise<Contribution> {
  const key = keyOf(record, by);
  if (!(key instanceof Promise) && !(values instanceof Promise)) return { key, values };
  return Promise.all([key, values]).then(([text, ready]) => ({ key: text, values: ready }));
}
