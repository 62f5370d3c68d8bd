import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Observable, type Subscriber } from 'rxjs';
import { pipelineMetrics } from '../../src/actors/pipeline/metrics.ts';
import { Pipeline } from '../../src/actors/pipeline/pipeline.ts';
import { Topic } from '../../src/actors/topic/topic.ts';
import { Batch } from '../../src/core/batch.ts';
import type { Processor, Sink, Source } from '../../src/core/component.ts';
import { TidegateError } from '../../src/core/errors.ts';
import { lastHeader } from '../../src/core/headers.ts';
import type { Message } from '../../src/core/message.ts';
import { DeadLetters } from '../../src/pipelines/dead-letter.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../src/telemetry/tracing.ts';
import { FakeLog } from '../unit/actors/fake-log.ts';
import { keptLogger } from '../unit/actors/rig.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { SettleLog } from '../unit/core/settle-log.ts';

/*
 * A whole pipeline under random fates: messages that pass, are filtered, split, fail for good, fail for a while or
 * take their time; a log that refuses some; flows that break; and a stop in the middle.
 */

const FATES = ['pass', 'derive', 'drop', 'split', 'nothing', 'throw', 'busy', 'slow', 'slow throw', 'refuse'] as const;
type Fate = (typeof FATES)[number];

interface Fated {
  readonly fate: Fate;
  readonly key: number;
}

type Act =
  | { readonly do: 'send'; readonly messages: readonly Fated[] }
  | { readonly do: 'store' | 'turn' | 'break' }
  | { readonly do: 'wait'; readonly milliseconds: number };

const LIMITS = { messages: 12, bytes: 6_000 };
const MOST_AT_ONCE = 6;

const messages = (fates: readonly Fate[]) =>
  fc.array(fc.record({ fate: fc.constantFrom(...fates), key: fc.nat(2) }), { minLength: 1, maxLength: MOST_AT_ONCE });

const act = (fates: readonly Fate[], canBreak: boolean): fc.Arbitrary<Act> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), messages: messages(fates) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('store' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: canBreak ? 1 : 0, arbitrary: fc.record({ do: fc.constant('break' as const) }) },
  );

const REFUSED = new TidegateError('TG_RECORD_REFUSED', 'refused');

/** Does to each message what its payload says; the numbers in front keep a split apart. */
function fateProcessor(clock: HandClock): Processor {
  const pause = () => new Promise<void>((resolve) => clock.after(30, resolve));
  const tries = new Map<number, number>();
  const process = (message: Message): ReturnType<Processor['process']> => {
    const { fate } = message.json as { fate: Fate };
    switch (fate) {
      case 'drop':
        return null;
      case 'nothing':
        return message.split([]);
      case 'split':
        return message.split([1, 2, 3].map(() => ({ payload: message.payload })));
      case 'derive':
        return message.derive({ headers: [['seen', 'yes']] });
      case 'throw':
        throw new Error('as fated');
      case 'busy': {
        const tried = tries.get(message.token) ?? 0;
        tries.set(message.token, tried + 1);
        if (tried < (message.token % 3) + 1) throw new TidegateError('TG_PROCESSOR_BUSY', 'not now');
        return message;
      }
      case 'slow':
        return pause().then(() => message.derive({ headers: [['slow', 'yes']] }));
      case 'slow throw':
        return pause().then(() => {
          throw new Error('as fated');
        });
      default:
        return message;
    }
  };
  return { process };
}

class World {
  readonly clock = new HandClock();
  readonly settled = new SettleLog();
  readonly log = new FakeLog();
  readonly pipeline: Pipeline;
  /** Messages made, in order, by token. */
  readonly made: Fated[] = [];
  /** Numbers of the records that the log has, by key, in the order they came. */
  readonly stored = new Map<number, number[]>();
  private readonly topic: Topic;
  private subscriber: Subscriber<Batch> | undefined;
  private isPaused = false;
  private isOpen = false;

  constructor(hasDeadLetters: boolean) {
    const { logger } = keptLogger();
    const stats = createStats();
    const topicOf = (name: string) => new Topic({ name, log: this.log, logger, stats, tracing: NO_TRACING });
    this.topic = topicOf('out');
    const letters = hasDeadLetters
      ? new DeadLetters(
          topicOf('letters'),
          'p',
          () => {},
          () => false,
        )
      : undefined;
    this.pipeline = new Pipeline({
      name: 'p',
      source: this.source(),
      sink: this.sink(),
      stages: [
        { processors: [fateProcessor(this.clock), late] },
        { operator: { place: 'processors[0].flow', apply: (flow$) => flow$ } },
        { processors: [same] },
      ],
      batch: { count: 5, bytes: 100_000, period: 50 },
      inFlight: LIMITS,
      retries: 2,
      backoff: { initial: 10, max: 40 },
      failurePolicy: (message, failure) => letters?.take(message, failure) ?? false,
      stopsOnFailure: false,
      clock: this.clock,
      logger,
      tracing: NO_TRACING,
      metrics: pipelineMetrics(stats, 'p'),
    });
    this.pipeline.start();
  }

  async run(acts: readonly Act[]): Promise<void> {
    await this.turn();
    for (const each of acts) {
      if (each.do === 'send') this.send(each.messages);
      else if (each.do === 'store') this.store();
      else if (each.do === 'wait') this.clock.advance(each.milliseconds);
      else if (each.do === 'break') this.break();
      await this.turn();
      this.checkGate();
    }
  }

  /** Lets everything come to its end: the log stores, time goes on. */
  async finish(isOver: () => boolean): Promise<void> {
    for (let rounds = 0; rounds < 400 && !isOver(); rounds++) {
      this.store();
      this.clock.advance(500);
      await this.turn();
      this.checkGate();
    }
    assert.ok(isOver(), `stuck with ${this.pipeline.inFlight.size} messages in flight`);
  }

  private send(fated: readonly Fated[]): void {
    // A source that is paused or closed hands nothing over.
    if (this.isPaused || !this.isOpen) return;
    const batch = fated.map((each) => {
      const token = this.made.push(each) - 1;
      return this.settled.message(JSON.stringify({ ...each, n: token }), { token, key: String(each.key) });
    });
    this.subscriber?.next(new Batch(batch));
  }

  private store(): void {
    for (const [name, lane] of this.log.lanes) {
      if (!lane.isBusy) continue;
      const records = (lane.sends.at(-1) ?? []).map((text) => JSON.parse(text) as Fated & { n: number });
      const isRefused = ({ fate }: Fated) => fate === 'refuse' && name === 'out';
      if (name === 'out') for (const record of records) if (!isRefused(record)) this.note(record);
      lane.stores(...records.flatMap((record, index) => (isRefused(record) ? [{ index, failure: REFUSED }] : [])));
    }
  }

  private note({ key, n }: Fated & { n: number }): void {
    const known = this.stored.get(key);
    if (known === undefined) this.stored.set(key, [n]);
    else known.push(n);
  }

  private break(): void {
    this.subscriber?.error(new Error('connection lost'));
  }

  /** The ceiling of DESIGN 2: the high mark and one more batch of the source. */
  private checkGate(): void {
    const { gate, size } = this.pipeline.inFlight;
    assert.ok(gate.messages < LIMITS.messages + MOST_AT_ONCE, `${gate.messages} messages are in flight`);
    assert.equal(gate.messages, size);
    assert.ok(gate.bytes >= 0);
    if (size === 0) assert.equal(gate.bytes, 0);
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  private source(): Source {
    const batches$ = new Observable<Batch>((subscriber) => {
      this.subscriber = subscriber;
    });
    return {
      batches$,
      open: async () => {
        this.isOpen = true;
        this.isPaused = false;
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      close: async () => {
        this.isOpen = false;
      },
    };
  }

  private sink(): Sink {
    const { topic } = this;
    return {
      open: async () => {},
      write: (batch) => topic.write(batch),
      get idle() {
        return topic.idle;
      },
      idle$: topic.idle$,
      close: async () => {},
    };
  }
}

const same: Processor = { process: (message) => message };

/** Ends every second message that has taken its time, which may have been given up meanwhile. */
const late: Processor = {
  process: (message) => (lastHeader(message.headers, 'slow') === 'yes' && message.token % 2 === 0 ? null : message),
};

for (const hasDeadLetters of [false, true]) {
  const how = hasDeadLetters ? 'with dead letters' : 'without dead letters';

  test(`every message settles exactly once, the gate keeps its marks and never stays shut, ${how}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act(FATES, true), { maxLength: 60 }), async (acts) => {
        const world = new World(hasDeadLetters);
        await world.run(acts);
        await world.finish(() => world.pipeline.isEmpty);
        assert.equal(world.pipeline.inFlight.gate.isOpen, true);
        assert.deepEqual(world.settled.notOnce(world.made.length), []);
      }),
      { numRuns: 150 },
    );
  });

  test(`a stop in the middle settles every message exactly once, ${how}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act(FATES, true), { maxLength: 40 }), fc.boolean(), async (acts, isForced) => {
        const world = new World(hasDeadLetters);
        await world.run(acts);
        let isDrained = false;
        const drained = world.pipeline.drained().then(() => {
          isDrained = true;
        });
        if (isForced) await world.pipeline.close();
        else await world.finish(() => isDrained);
        if (!isForced) await drained;
        assert.deepEqual(world.settled.notOnce(world.made.length), []);
        await world.pipeline.close();
        await world.run([{ do: 'store' }, { do: 'wait', milliseconds: 1_000 }, { do: 'store' }, { do: 'turn' }]);
        assert.deepEqual(world.settled.notOnce(world.made.length), []);
      }),
      { numRuns: 100 },
    );
  });
}

/** A processor that is busy once or twice is tried again twice; a third time is one too many. */
const outlasts = (fated: Fated | undefined, token: number) => fated?.fate !== 'busy' || token % 3 !== 2;

test('the outcome of a message is that of its own fate, whatever travels with it', async () => {
  const expected: Readonly<Record<Fate, string>> = {
    pass: 'ack',
    derive: 'ack',
    drop: 'ack',
    split: 'ack',
    nothing: 'ack',
    throw: 'TG_PROCESSOR_FAILED',
    busy: 'ack',
    slow: 'ack',
    'slow throw': 'TG_PROCESSOR_FAILED',
    refuse: 'TG_RECORD_REFUSED',
  };
  await fc.assert(
    fc.asyncProperty(fc.array(act(FATES, false), { maxLength: 60 }), async (acts) => {
      const world = new World(false);
      await world.run(acts);
      await world.finish(() => world.pipeline.isEmpty);
      for (const [token, { fate }] of world.made.entries()) {
        const outcome = outlasts({ fate, key: 0 }, token) ? expected[fate] : 'TG_PROCESSOR_FAILED';
        assert.deepEqual(world.settled.byToken.get(token), [outcome], fate);
      }
    }),
    { numRuns: 100 },
  );
});

test('what reaches the log is in the order it was sent, key by key, under retries, waits and refusals', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act(FATES, false), { maxLength: 60 }), async (acts) => {
      const world = new World(true);
      await world.run(acts);
      await world.finish(() => world.pipeline.isEmpty);
      for (const [key, numbers] of world.stored) {
        assert.deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
          `the records of key ${key}`,
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('with messages that pass sooner or later, all of them reach the log, each once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act(['pass', 'derive', 'busy'], false), { maxLength: 60 }), async (acts) => {
      const world = new World(false);
      await world.run(acts);
      await world.finish(() => world.pipeline.isEmpty);
      const numbers = [...world.stored.values()].flat().sort((a, b) => a - b);
      const passing = world.made.map((_, token) => token).filter((token) => outlasts(world.made[token], token));
      assert.deepEqual(numbers, passing);
    }),
    { numRuns: 50 },
  );
});
