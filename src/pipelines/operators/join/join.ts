import {
  defineOperator,
  type Expression,
  field,
  type JoiningOperator,
  Message,
  type PairPort,
  writeJson,
  z,
} from '../../../sdk/index.ts';
import { keyOf, timeOf } from '../record.ts';
import { StateSize } from '../state-limit.ts';
import { JoinedPartitions, type Joining, type Readable } from './joined-partitions.ts';

const MAX_WITHIN = 31 * 86_400_000;

export const join = defineOperator({
  name: 'join',
  summary:
    'Joins the records of two topics that have the same key and are near to each other in time: one JSON record for each pair.',
  stateful: true,
  needsGroup: true,
  groupsBy: ({ by }) => by,
  description:
    'Both topics need as many partitions. A result is `{"key": ..., "left": ..., "right": ...}` with the payloads as they came, the key of both as its key and the later of both times as its timestamp. Records without a value are joined with nothing.',
  failures: [
    'A record without a key, whose payload is not JSON, or whose `time` gives no point in time.',
    'A record that would exceed the limits of `state`.',
  ],
  config: z
    .strictObject({
      left: z.string().min(1, 'name a topic').describe('One topic of the source.'),
      right: z.string().min(1, 'name a topic').describe('The other topic of the source.'),
      within: field
        .duration()
        .refine(
          (milliseconds) => milliseconds <= MAX_WITHIN,
          'expected at most 744h (31 days): records that wait are read again after a restart, so the topics have to keep them for as long',
        )
        .describe('How far the times of two records may be apart, whichever comes first.'),
      type: z
        .enum(['inner', 'left'], 'expected inner or left')
        .default('inner')
        .describe(
          '`left`: a left record without a partner gives a result, too, whose `right` is null, when none can come any more.',
        ),
      by: field.expression().optional().describe("Key of a record. Left out: the record's key."),
      time: field
        .expression()
        .optional()
        .describe(
          "Time of a record: milliseconds since the epoch, or text as in ISO 8601, which is UTC without a zone. Left out: the record's timestamp.",
        ),
      lateness: field
        .duration()
        .optional()
        .describe(
          'How far a record may be behind the latest one of its partition; one that is further behind is dropped. Left out: as far as `within`.',
        ),
      idle: field
        .duration()
        .optional()
        .describe(
          'A partition without records for so long follows the clock, so that the other topic does not wait for it. Left out: it waits for the next record.',
        ),
      state: z
        .strictObject({
          keys: field
            .integer({ min: 1 })
            .default(1_000_000)
            .describe('Keys with records that wait, in one partition of both topics; a key counts for each topic.'),
          bytes: field
            .size()
            .default(256 * 1024 * 1024)
            .describe('Memory of the records that wait, in one partition of both topics, about.'),
          when_full: z
            .literal('fail', 'expected fail')
            .default('fail')
            .describe('What becomes of a record that is too much.'),
        })
        .prefault({})
        .describe('Limits; a record that would exceed them fails with TG_STATE_FULL.'),
    })
    .refine(({ left, right }) => left !== right, {
      path: ['right'],
      message: 'left and right are the same topic; join two',
    }),
  examples: [
    { left: 'orders', right: 'payments', within: '10m' },
    {
      left: 'impressions',
      right: 'clicks',
      within: '30s',
      type: 'left',
      time: '${! json.at }',
      lateness: '5s',
      idle: '1m',
    },
  ],
  joins: ({ left, right }) => [
    { topic: left, setting: 'left' },
    { topic: right, setting: 'right' },
  ],
  create: (settings, { path, logger }): JoiningOperator => {
    const { left, right, within, type, by, time, lateness = within, idle, state } = settings;
    const joining: Joining = {
      within,
      isLeft: type === 'left',
      read: (record) => readableOf(record, by),
      result: (one, other) => {
        const text = `{"key":${writeJson(one.key)},"left":${one.text},"right":${other?.text ?? 'null'}}`;
        return new Message(Buffer.from(text), { key: one.key, timestamp: Math.max(one.time, other?.time ?? 0) });
      },
      late: (record) => {
        if (record.isReplayed) return;
        logger.debug(
          { topic: record.topic, partition: record.partition, offset: record.offset },
          'a record came too late to be joined',
        );
      },
    };
    return {
      topics: { left, right },
      lateness,
      idle,
      // Joined with nothing, a record without a value needs no time, and has none in its payload: it moves no watermark.
      timeOf: (record) => (record.isTombstone && time !== undefined ? Number.NEGATIVE_INFINITY : timeOf(record, time)),
      pair: (port: PairPort) =>
        new JoinedPartitions(joining, port, new StateSize(state, path, 'make within or lateness shorter')),
    };
  },
});

function readableOf(record: Message, by: Expression | undefined): Readable | undefined | Promise<Readable | undefined> {
  if (record.isTombstone) return undefined;
  const key = keyOf(record, by);
  return key instanceof Promise ? key.then((ready) => readable(record, ready)) : readable(record, key);
}

/** The payload goes into results as it is, so it has to be JSON. */
function readable(record: Message, key: string): Readable {
  const { text } = record;
  void record.plainJson;
  return { key, text };
}
