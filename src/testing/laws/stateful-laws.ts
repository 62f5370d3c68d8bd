import fc from 'fast-check';
import type { Message } from '../../core/message.ts';
import type { StatefulOperator } from '../../core/stateful-operator.ts';
import { keeps } from './breach.ts';
import { contentText } from './processor-run.ts';
import { counted } from './shown.ts';
import { type Act, runStoryAsync, type Sample, type Story } from './state-story.ts';
import { actsWith, places, spacings } from './state-story-arbitraries.ts';
import { WatchedState } from './watched-state.ts';

/** What a stateful operator is checked with: records, and what happens to the gateways that read them. */
export interface StateCase {
  readonly samples: readonly Sample[];
  readonly acts: readonly Act[];
  readonly spacing: number;
}

/** Makes the operator anew: each gateway has one of its own. `late`: its clock says another time. */
export type MakeState = (late?: boolean) => StatefulOperator;

/** The law, and what it checks. */
export interface StateRule {
  readonly says: string;
  readonly check: (make: MakeState, story: StateCase) => Promise<void>;
}

/** Milliseconds between two records are multiplied by one of these: windows are of a second or of an hour. */
const SCALES = [1, 250, 15_000, 900_000] as const;
/** Long after the last record: whatever has an end has ended. */
const DAYS = 40;
const AFTER_ALL = DAYS * 86_400_000;
const START = Date.UTC(2024, 0, 1);

/** `json`: what records say, beside `at`, which is their time in milliseconds since the epoch. */
export function stateCases(json: fc.Arbitrary<object>): fc.Arbitrary<StateCase> {
  const samples = fc
    .tuple(places, fc.constantFrom(...SCALES), fc.array(json, { minLength: 1, maxLength: 8 }))
    .map(([list, scale, contents]) =>
      list.map(({ key, time }, i): Sample => {
        const at = START + time * scale;
        return { key, time: at, json: { at, ...contents[i % contents.length] } };
      }),
    );
  return fc.record({ samples, acts: actsWith(), spacing: spacings });
}

export function shownState({ samples, acts }: StateCase): unknown {
  return {
    records: samples.map(({ key, json }) => ({ key, json })),
    acts: acts.map((act) => ('n' in act ? `${act.do} ${act.n}` : act.do)),
  };
}

export const STATE_RULES: readonly StateRule[] = [
  { says: 'gives the same results whenever it is read again', check: repeats },
  { says: 'leaves its records to the engine', check: leavesRecords },
  { says: 'gives out what has ended, in the order of time', check: keepsTime },
  { says: 'keeps nothing of what has ended', check: endsAll },
  { says: 'says how much it keeps', check: isHonest },
  { says: 'keeps nothing of a record that it refuses', check: refusesWhole },
];

async function told(state: WatchedState, story: Story): Promise<string[]> {
  const results = await runStoryAsync(state.operator, story, { refused: () => {} });
  return results.filter((result) => !state.shown.has(result)).map((result) => contentText(result));
}

const whole = ({ samples, spacing }: StateCase, acts: readonly Act[]): Story => ({
  samples,
  acts,
  spacing,
  isTransactional: true,
  end: START + AFTER_ALL,
});

/** The results are in the log with the offsets, or neither is: so each of them comes once, whatever happens between. */
async function repeats(make: MakeState, story: StateCase): Promise<void> {
  const [once, again] = [new WatchedState(make()), new WatchedState(make(true))];
  const expected = await told(once, whole(story, []));
  const results = await told(again, whole(story, story.acts));
  // What may come again after a crash is not the same then.
  if (once.isRepeatable || again.isRepeatable) return;
  compare(results, expected);
}

function compare(results: readonly string[], expected: readonly string[]): void {
  const rest = [...expected];
  const more = results.find((result) => {
    const at = rest.indexOf(result);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  const [less] = rest;
  const found =
    more === undefined
      ? `the result ${less} of a gateway that never ends is missing`
      : `there is the result ${more}, which a gateway that never ends does not give`;
  keeps(
    more === undefined && less === undefined,
    `after these acts, of a gateway at another time, ${found}`,
    'hold every record that a result is made of, take nothing from clocks or chance, and keep nothing outside of partition(port)',
  );
}

async function leavesRecords(make: MakeState, story: StateCase): Promise<void> {
  const state = new WatchedState(make());
  await runStoryAsync(state.operator, whole(story, []), {
    refused: () => {},
    taken: (record) =>
      keeps(
        !record.isSettled,
        `the record ${record.text} was settled when take ended`,
        'leave it: the engine acks a record that is taken, and fails the one for which take throws',
      ),
  });
}

async function keepsTime(make: MakeState, story: StateCase): Promise<void> {
  const state = new WatchedState(make());
  await told(state, whole(story, story.acts));
  if (state.breach !== undefined) throw state.breach;
}

async function endsAll(make: MakeState, story: StateCase): Promise<void> {
  const watched = new WatchedState(make());
  await told(watched, whole(story, []));
  const { holds, state } = watched;
  keeps(
    holds.size === 0,
    `it still holds ${holds.size} of ${counted(story.samples.length, 'record')}, ${DAYS} days later`,
    'release each hold when its result is stored, and when there will be no result: all behind it is read again at each start',
  );
  const { keys = 0, bytes = 0 } = state?.size ?? {};
  keeps(
    keys === 0 && bytes === 0,
    `its size is ${counted(keys, 'key')} and ${counted(bytes, 'byte')}, ${DAYS} days after the last record`,
    'delete what has ended from the state, and take it off size: memory grows with the time that a gateway runs otherwise',
  );
}

async function isHonest(make: MakeState, story: StateCase): Promise<void> {
  const watched = new WatchedState(make());
  await runStoryAsync(watched.operator, whole(story, []), {
    refused: () => {},
    taken: () => {
      const { keys = Number.NaN, bytes = Number.NaN } = watched.state?.size ?? {};
      keeps(
        keys >= 0 && bytes >= 0 && Number.isFinite(keys + bytes),
        `its size is ${keys} keys and ${bytes} bytes`,
        'count keys and bytes up and down with the state',
      );
      keeps(
        watched.holds.size === 0 || bytes > 0,
        `it holds ${counted(watched.holds.size, 'record')}, and its size is ${counted(bytes, 'byte')}`,
        'count what it keeps in size, at least roughly: limits and metrics of memory are made of it',
      );
    },
  });
}

async function refusesWhole(make: MakeState, story: StateCase): Promise<void> {
  const watched = new WatchedState(make());
  let before = { keys: 0, bytes: 0, holds: 0 };
  const now = () => {
    const { keys = 0, bytes = 0 } = watched.state?.size ?? {};
    return { keys, bytes, holds: watched.holds.size };
  };
  const inner = watched.operator.partition;
  const operator: StatefulOperator = {
    ...watched.operator,
    partition: (port) => {
      const state = inner(port);
      return Object.create(state, {
        take: {
          value: (record: Message, time: number) => {
            before = now();
            return state.take(record, time);
          },
        },
      });
    },
  };
  await runStoryAsync(operator, whole(story, []), {
    refused: (record, error) => {
      const after = now();
      keeps(
        after.keys === before.keys && after.bytes === before.bytes && after.holds === before.holds,
        `it threw "${String(error)}" for ${record.text}, and keeps ${JSON.stringify(after)} where it was ${JSON.stringify(before)}`,
        'check a record before you take anything of it into the state',
      );
    },
  });
}
