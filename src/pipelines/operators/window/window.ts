import {
  Batch,
  defineOperator,
  type Expression,
  field,
  Message,
  type PartitionPort,
  type StatefulOperator,
  type TopicPort,
  withHeader,
  writeJson,
  z,
} from '../../../sdk/index.ts';
import { keyOf, timeOf } from '../record.ts';
import { StateSize } from '../state-limit.ts';
import { aggregateSettings } from './aggregate.ts';
import { FixedWindows } from './fixed-windows.ts';
import type { Contribution, Grouping, ResultKind, Span } from './grouping.ts';
import { SessionWindows } from './session-windows.ts';

const MAX_LENGTH = 31 * 86_400_000;
/** Milliseconds between two looks at what has changed, at most. */
const LOOK_AT_CHANGES = 250;
/** Fewer would be given out early at almost every record. */
const MIN_KEYS_EARLY = 1_000;

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
  groupsBy: ({ by }) => by,
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
          "Time of a record: milliseconds since the epoch, or text as in ISO 8601, which is UTC without a zone. Left out: the record's timestamp.",
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
        'Fields of the result by their names: count, or one of count, sum, min, max, avg, first, last, collect and distinct (approximate above 64 values) of an expression, or { fold, start }: an expression that makes the next `state` of the one so far and a message.',
      ),
      emit: z
        .union(
          [
            z.enum(['final', 'changes']),
            z.strictObject({
              changes: field
                .duration()
                .describe('A window that has changed gives a result at most once per this time.'),
            }),
          ],
          'expected final, changes, or { changes: 1s }',
        )
        .default('final')
        .describe(
          '`final`: one result when the window ends; `changes`: also a result of the open window whenever it changes.',
        ),
      late: z
        .union(
          [
            z.literal('drop'),
            z.strictObject({
              topic: field.plainText('expected the name of a topic').min(1).describe('Topic for late records.'),
            }),
          ],
          'expected drop, or { topic: NAME }',
        )
        .default('drop')
        .describe('What becomes of a record whose windows have all ended.'),
      state: z
        .strictObject({
          keys: field.integer({ min: 1 }).default(1_000_000).describe('Keys in open windows of a partition.'),
          bytes: field
            .size()
            .default(256 * 1024 * 1024)
            .describe('Memory of the open windows of a partition, about.'),
          when_full: z
            .enum(['emit', 'fail'])
            .default('fail')
            .describe(
              '`fail`: a record that needs more fails with TG_STATE_FULL; `emit`: all open windows of the partition give a partial result, and begin again.',
            ),
        })
        .refine(({ keys, when_full }) => when_full === 'fail' || keys >= MIN_KEYS_EARLY, {
          error: `with when_full: emit, keys is at least ${MIN_KEYS_EARLY}`,
          path: ['keys'],
        })
        .prefault({})
        .describe('Limits of what the open windows of a partition keep.'),
    })
    .refine(
      ({ session, aggregate }) => session === undefined || !aggregate.hasFold,
      'a record may join two sessions, and what a fold has made of both cannot be joined; use collect, or tumbling or hopping windows',
    )
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
    {
      tumbling: '1h',
      emit: { changes: '1s' },
      late: { topic: 'clicks.late' },
      aggregate: { balance: { fold: '${! state + json.in - json.out }', start: 0 } },
      state: { keys: '100000', when_full: 'emit' },
    },
  ],
  references: ({ late }) => (late === 'drop' ? [] : [{ to: 'topic', name: late.topic, path: ['late', 'topic'] }]),
  needs: ['topic'],
  create: (settings, { path, logger, gateway, clock }): StatefulOperator => {
    const { tumbling, hopping, session, time, lateness, idle, by, aggregate, emit, late, state } = settings;
    const lateTopic = late === 'drop' ? undefined : gateway.topic(late.topic);
    const changes = typeof emit === 'object' ? emit.changes : emit === 'changes' ? 0 : undefined;
    const grouping: Grouping = {
      aggregate,
      emitsEarly: state.when_full === 'emit',
      changes,
      now: () => clock.elapsed(),
      read: (record) => contributionOf(record, by, aggregate.values(record)),
      result: (key, span, accumulators, kind) => resultOf(key, span, aggregate.result(accumulators), kind),
      late: (record) => {
        logger.debug(
          { topic: record.topic, partition: record.partition, offset: record.offset },
          'a record came too late for its window',
        );
        if (lateTopic !== undefined) writeLate(record, lateTopic);
        return lateTopic !== undefined;
      },
    };
    return {
      lateness,
      idle,
      ...(changes === undefined ? {} : { every: Math.min(LOOK_AT_CHANGES, Math.max(changes, 1)) }),
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

/** A result that is not final has the time of its writing: its window may end in a week, and no log takes records of then. */
function resultOf(key: string, { start, end }: Span, fields: Record<string, unknown>, kind: ResultKind): Message {
  const isPart = typeof kind === 'object';
  const value = { key, start, end, ...(isPart ? { partial: true } : {}), ...fields };
  const headers: [string, string][] = [
    ['tidegate-window-start', String(start)],
    ['tidegate-window-end', String(end)],
  ];
  if (kind === 'change') headers.push(['tidegate-window-change', 'true']);
  if (isPart) headers.push(['tidegate-window-part', String(kind.part)]);
  const timestamp = kind === 'final' ? end : 0;
  return new Message(Buffer.from(writeJson(value) ?? ''), { key, headers, timestamp });
}

/** The record as it came, and where it was. It is settled when the topic has it. */
function writeLate(record: Message, topic: TopicPort): void {
  const origin = `${record.topic}/${record.partition}/${record.offset}`;
  topic.write(new Batch([record.derive({ headers: withHeader(record.headers, 'tidegate-origin', origin) })]));
}

function contributionOf(
  record: Message,
  by: Expression | undefined,
  values: unknown[] | Promise<unknown[]>,
): Contribution | Promise<Contribution> {
  const key = keyOf(record, by);
  if (!(key instanceof Promise) && !(values instanceof Promise)) return { key, values };
  return Promise.all([key, values]).then(([text, ready]) => ({ key: text, values: ready }));
}
