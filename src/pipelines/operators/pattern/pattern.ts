import { defineOperator, type Expression, field, Message, type StatefulOperator, z } from '../../../sdk/index.ts';
import { keptOf, keyOf, timeOf } from '../record.ts';
import { spanSettings, stateSettings } from '../settings.ts';
import { StateSize } from '../state-limit.ts';
import { type Facts, Matches, type Pattern } from './matches.ts';
import { stepsSettings } from './steps.ts';

export const pattern = defineOperator({
  name: 'pattern',
  summary:
    'Finds records of a key that follow each other within a time, or do not follow, and gives one JSON record for each match.',
  description: `
A match begins with a record of the first step and has the next records of its key for which the other steps hold; what
comes between is skipped. The order is that of the partition. A match is given out with its last record, and an absence at
the end when the time is over.`.trim(),
  failures: [
    'The record has no key, or `by` gives none or an object.',
    '`time` gives no point in time, or one more than a day after the record was written.',
    'A condition fails, as it does where the payload is not JSON.',
    'The state is full (TG_STATE_FULL).',
  ],
  stateful: true,
  needsGroup: true,
  groupsBy: ({ by }) => by,
  config: z.strictObject({
    steps: stepsSettings().describe('What a match consists of, in this order.'),
    within: spanSettings().describe('Time from the first record of a match to its end.'),
    by: field.expression().optional().describe("Key of the records of a match. Left out: the record's key."),
    time: field
      .expression()
      .optional()
      .describe(
        "Time of a record: milliseconds since the epoch, or text as in ISO 8601, which is UTC without a zone. Left out: the record's timestamp.",
      ),
    value: field
      .expression()
      .optional()
      .describe('What the result has of each record. Left out: its payload, as text where that is not JSON.'),
    strict: field.boolean().default(false).describe('No other record of the key may come between those of a match.'),
    overlapping: field
      .boolean()
      .default(false)
      .describe('Of the matches that end with the same record all are given, not only the one that began first.'),
    lateness: field
      .duration()
      .default(0)
      .describe('How far a record may be behind the latest one of its partition: so much longer an absence waits.'),
    idle: field
      .duration()
      .optional()
      .describe(
        'A partition without records for so long follows the clock, so that absences are found. Left out: they wait for the next record.',
      ),
    state: stateSettings('Matches of a partition that are not complete.'),
  }),
  examples: [
    {
      steps: [
        { name: 'failed', when: "${! json.outcome = 'failed' }", times: 3 },
        { name: 'success', when: "${! json.outcome = 'ok' }" },
      ],
      within: '5m',
    },
    {
      steps: [{ name: 'order', when: "${! json.type = 'order' }" }, { absent: "${! json.type = 'payment' }" }],
      within: '30m',
      by: '${! json.order }',
      idle: '10s',
    },
    {
      steps: [
        { name: 'high', when: '${! json.celsius > 80 }' },
        { absent: '${! json.celsius < 60 }' },
        { name: 'higher', when: '${! json.celsius > 90 }' },
      ],
      within: '10m',
      value: '${! json.celsius }',
    },
  ],
  create: (settings, { path, logger }): StatefulOperator => {
    const { steps, within, by, time, value, strict, overlapping, lateness, idle, state } = settings;
    const matching: Pattern = {
      positions: steps.positions,
      within,
      isStrict: strict,
      isOverlapping: overlapping,
      read: (record) => factsOf(record, steps.conditions, by, value),
      result: ({ key, start, end, values }, completedBy) => {
        const json = `{"key":${JSON.stringify(key)},"start":${start},"end":${end},${steps.written(values)}}`;
        const headers = [
          ['tidegate-pattern-start', String(start)],
          ['tidegate-pattern-end', String(end)],
        ] as const;
        const trace = completedBy?.trace;
        return new Message(Buffer.from(json), {
          key,
          headers,
          timestamp: end,
          ...(trace === undefined ? {} : { trace }),
        });
      },
      late: (record) => {
        if (record.isReplayed) return;
        logger.debug(
          { topic: record.topic, partition: record.partition, offset: record.offset },
          'a record came too late to begin a match',
        );
      },
    };
    return {
      lateness,
      idle,
      timeOf: (record) => timeOf(record, time),
      partition: (port) =>
        new Matches(matching, port, new StateSize(state, path, 'make within shorter or the first step rarer')),
    };
  },
});

/** All conditions are asked: whether a record fails must not depend on what was read before. */
function factsOf(
  record: Message,
  conditions: readonly Expression[],
  by: Expression | undefined,
  value: Expression | undefined,
): Facts | Promise<Facts> {
  const key = keyOf(record, by);
  const verdicts = conditions.map((condition) => condition.evaluate(record));
  const kept = keptOf(record, value);
  if (key instanceof Promise || kept instanceof Promise || verdicts.some((verdict) => verdict instanceof Promise))
    return Promise.all([key, kept, Promise.all(verdicts)]).then(([text, json, ready]) => ({
      key: text,
      holds: ready.map(Boolean),
      value: json,
    }));
  return { key, holds: verdicts.map(Boolean), value: kept };
}
