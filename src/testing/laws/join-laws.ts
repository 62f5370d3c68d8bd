import fc from 'fast-check';
import { Message } from '../../core/message.ts';
import type { Hold, JoiningOperator, PairOperator, PairPort, Side } from '../../core/stateful-operator.ts';
import { keeps } from './breach.ts';

interface Sample {
  readonly side: Side;
  readonly key: string;
  readonly at: number;
  readonly json: object;
}

/** Records of both topics in the order in which one gateway reads them, and `turns`: the order in which another one does. */
export interface JoinCase {
  readonly samples: readonly Sample[];
  readonly turns: readonly boolean[];
}

type MakeJoin = () => JoiningOperator;

const START = Date.UTC(2024, 0, 1);
const DAYS = 40;
const SCALES = [1, 250, 15_000] as const;

export function joinCases(json: fc.Arbitrary<object>): fc.Arbitrary<JoinCase> {
  const sample = fc.record({
    side: fc.constantFrom<Side>('left', 'right'),
    key: fc.constantFrom('a', 'b', 'c'),
    after: fc.integer({ min: 0, max: 120 }),
    json,
  });
  const samples = fc
    .tuple(fc.array(sample, { minLength: 1, maxLength: 30 }), fc.constantFrom(...SCALES))
    .map(([list, scale]) =>
      list.map(({ side, key, after, json: content }, i): Sample => {
        const at = START + (i * 20 + after) * scale;
        return { side, key, at, json: { at, ...content } };
      }),
    );
  return fc.record({ samples, turns: fc.array(fc.boolean(), { maxLength: 30 }) });
}

export function shownJoin({ samples }: JoinCase): unknown {
  return samples.map(({ side, key, json }) => ({ [side]: { key, json } }));
}

export const JOIN_RULES: readonly {
  readonly says: string;
  readonly check: (make: MakeJoin, one: JoinCase) => Promise<void>;
}[] = [
  {
    says: 'gives the same results however its sides are read',
    check: async (make, { samples, turns }) => {
      const [one, other] = [new JoinRun(make()), new JoinRun(make())];
      await one.read(samples);
      await other.read(interleaved(samples, turns));
      const [results, others] = [one.results.sort(), other.results.sort()];
      const at = Math.max(
        results.findIndex((result, index) => result !== others[index]),
        others.findIndex((result, index) => result !== results[index]),
      );
      keeps(
        at < 0,
        `in this order there is ${results[at] ?? 'no such result'}, and in another ${others[at] ?? 'no such result'}`,
        'decide by the times of records and by watermarkOf of both sides, never by which record came first',
      );
    },
  },
  {
    says: 'leaves its records to the engine',
    check: async (make, { samples }) => {
      const run = new JoinRun(make());
      await run.read(samples);
      const settled = run.records.find(({ isSettled }) => isSettled);
      keeps(
        settled === undefined,
        `the record ${settled?.text} was settled by the operator`,
        'leave it: the engine acks a record that is taken, and fails the one for which take throws',
      );
    },
  },
  {
    says: 'keeps nothing of what has ended',
    check: async (make, { samples }) => {
      const run = new JoinRun(make());
      await run.read(samples);
      const { holds, size } = run;
      keeps(
        holds === 0 && size.keys === 0 && size.bytes === 0,
        `${DAYS} days later it holds ${holds} records, and its size is ${size.keys} keys and ${size.bytes} bytes`,
        'release the hold of a record that finds no partner any more, and delete it',
      );
    },
  },
];

/** The sides in another order; each of them in its own. */
function interleaved(samples: readonly Sample[], turns: readonly boolean[]): Sample[] {
  const sides = {
    left: samples.filter(({ side }) => side === 'left'),
    right: samples.filter(({ side }) => side === 'right'),
  };
  const all: Sample[] = [];
  for (const isLeft of turns) {
    const next = sides[isLeft ? 'left' : 'right'].shift();
    if (next !== undefined) all.push(next);
  }
  return [...all, ...sides.right, ...sides.left];
}

/** The operator on one partition of both topics, without crashes. */
class JoinRun {
  readonly results: string[] = [];
  readonly records: Message[] = [];
  private readonly held = new Set<Hold>();
  private readonly watermarks = { left: Number.MIN_SAFE_INTEGER, right: Number.MIN_SAFE_INTEGER };
  private readonly kind: JoiningOperator;
  private readonly state: PairOperator;

  constructor(kind: JoiningOperator) {
    this.kind = kind;
    this.state = kind.pair(this.port());
  }

  get holds(): number {
    return this.held.size;
  }

  get size(): PairOperator['size'] {
    return this.state.size;
  }

  async read(samples: readonly Sample[]): Promise<void> {
    const offsets = { left: 0, right: 0 };
    for (const { side, key, at, json } of samples) {
      const place = { topic: this.kind.topics[side], partition: 0, offset: offsets[side] };
      const record = new Message(Buffer.from(JSON.stringify(json)), { ...place, key, timestamp: at });
      offsets[side] += 1;
      this.records.push(record);
      const time = await this.kind.timeOf(record);
      this.move(side, time - this.kind.lateness);
      await this.state.take(side, record, time);
    }
    for (const side of ['left', 'right'] as const) this.move(side, START + DAYS * 86_400_000);
  }

  private move(side: Side, watermark: number): void {
    if (watermark <= this.watermarks[side]) return;
    this.watermarks[side] = watermark;
    this.state.advance();
  }

  private port(): PairPort {
    return {
      watermarkOf: (side) => this.watermarks[side],
      isRebuilt: true,
      hold: (_side, { offset }) => {
        const hold = { offset };
        this.held.add(hold);
        return hold;
      },
      release: (_side, hold) => {
        keeps(this.held.delete(hold), 'it released a hold that it did not have', 'release each hold once');
      },
      wasStored: () => false,
      give: ({ results }) => {
        for (const result of results) this.results.push(`${result.key?.toString() ?? ''} ${result.text}`);
      },
      late: () => {},
    };
  }
}
