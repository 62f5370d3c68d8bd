import {
  copiedHeaders,
  copiedKey,
  copyOf,
  defineOperator,
  field,
  Message,
  type StatefulOperator,
  z,
} from '../../../sdk/index.ts';
import { keyOf } from '../record.ts';
import { stateSettings } from '../settings.ts';
import { StateSize } from '../state-limit.ts';
import { NewestRecords, type Selection } from './newest.ts';

export const latest = defineOperator({
  name: 'latest',
  summary: 'Gives, every so often, the newest record of each key that has a new one, and drops those in between.',
  description: `
Records go on as they are. In a pipeline without a group, such as one that feeds an endpoint, each gateway does this for
its own clients. While the sink has not taken the last ones, newer records take the place of those that wait.`.trim(),
  failures: ['The record has no key, or `by` gives none or an object.', 'The state is full (TG_STATE_FULL).'],
  stateful: true,
  needsTopic: true,
  config: z.strictObject({
    every: field
      .duration()
      .refine((milliseconds) => milliseconds >= 10 && milliseconds <= 86_400_000, 'expected from 10ms to 24h')
      .describe('Time between two records of a key, by the clock of the gateway.'),
    by: field.expression().optional().describe("Key of which the newest is given. Left out: the record's key."),
    state: stateSettings('Keys of a partition that have a new record.'),
  }),
  examples: [{ every: '1s' }, { every: '250ms', by: '${! json.symbol }' }],
  create: ({ every, by, state }, { path, stats }): StatefulOperator => {
    const replaced = stats.counter('tidegate_latest_replaced_total', { place: path });
    const selection: Selection = {
      keyOf: (record) => keyOf(record, by),
      copy: ({ payload, key, headers, meta, timestamp, trace }) =>
        new Message(copyOf(payload), {
          key: copiedKey(key),
          headers: copiedHeaders(headers),
          meta,
          timestamp,
          ...(trace === undefined ? {} : { trace }),
        }),
      replaced: () => {
        replaced.value += 1;
      },
    };
    return {
      lateness: 0,
      idle: undefined,
      every,
      // The clock alone decides what is given out when.
      timeOf: () => 0,
      partition: (port) =>
        new NewestRecords(selection, port, new StateSize(state, path, 'make the time between two records shorter')),
    };
  },
});
