import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER, type Observable, Subject, type Subscription } from 'rxjs';
import { Batch } from '../../src/core/batch.ts';
import type { Processor } from '../../src/core/component.ts';
import { TidegateError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { buildFlow } from '../../src/pipelines/flow.ts';
import { compileStages } from '../../src/pipelines/stages.ts';
import { defineProcessor, z } from '../../src/sdk/index.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { SettleLog } from '../unit/core/settle-log.ts';
import { countingOptions, fakeContext, HandSink, inFlightOf } from '../unit/pipelines/parts.ts';

/*
 * A processor that waits, between two that do not, under random delays and failures. Time is in the test's hand.
 */

const FATES = ['pass', 'at once', 'drop', 'split', 'throw', 'throw at once', 'busy', 'always busy'] as const;

interface Fated {
  readonly fate: (typeof FATES)[number];
  /** None: the partition decides. */
  readonly key: string | null;
  readonly partition: number;
  readonly delay: number;
}

type Act = { readonly send: readonly Fated[] } | { readonly wait: number } | { readonly nackAll: true };

const fated: fc.Arbitrary<Fated> = fc.record({
  fate: fc.constantFrom(...FATES),
  key: fc.constantFrom('a', 'b', 'c', null),
  partition: fc.nat(1),
  delay: fc.integer({ min: 1, max: 100 }),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ send: fc.array(fated, { minLength: 1, maxLength: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 150 }) }) },
);
const acts = fc.array(act, { maxLength: 30 });

class World {
  readonly clock = new HandClock();
  readonly settled = new SettleLog();
  readonly made: Fated[] = [];
  /** Tokens in the order in which they came out. */
  readonly out: number[] = [];
  readonly spans = countingOptions({ retries: 2, pause: (n) => new Promise((done) => this.clock.after(n * 7, done)) });
  most = 0;
  private readonly inFlight = inFlightOf().inFlight;
  private readonly source = new Subject<Batch>();
  private readonly subscription: Subscription;
  private readonly tries = new Map<number, number>();
  private active = 0;

  constructor(concurrency: number, hasOperator = false) {
    const stages = compileStages(
      [
        { spec: passing('before', () => ({ process: (message) => message })), config: {} },
        { spec: passing('waits', () => ({ concurrency, process: (message) => this.process(message) })), config: {} },
        { spec: passing('after', () => ({ process: (message) => message.derive({}) })), config: {} },
        ...(hasOperator ? [{ spec: OPERATOR, config: {} }] : []),
      ],
      { contextOf: () => fakeContext().context },
    );
    const sink = new HandSink();
    sink.idle = true;
    this.subscription = buildFlow(this.source, {
      inFlight: this.inFlight,
      batch: { count: 100, bytes: 1_000_000, period: 1_000 },
      stages,
      sink,
      processing: this.spans.options,
      flush$: NEVER,
      opened$: NEVER,
      clock: this.clock,
    }).subscribe((batch) => {
      for (const message of batch.messages) {
        this.out.push((message.source ?? message).token);
        message.ack();
      }
    });
  }

  async run(steps: readonly Act[]): Promise<void> {
    for (const step of steps) {
      if ('send' in step) this.source.next(new Batch(step.send.map((each) => this.message(each))));
      else if ('wait' in step) this.clock.advance(step.wait);
      else this.inFlight.nackAll(new TidegateError('TG_STOPPING', 'stopped'));
      await this.turn();
    }
  }

  async finish(): Promise<void> {
    for (let rounds = 0; rounds < 2_000 && this.inFlight.size > 0; rounds += 1) {
      this.clock.advance(10);
      await this.turn();
    }
    assert.equal(this.inFlight.size, 0, 'messages are stuck');
  }

  close(): void {
    this.subscription.unsubscribe();
    this.inFlight.nackAll(new TidegateError('TG_STOPPING', 'stopped'));
  }

  async turn(): Promise<void> {
    for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  private message(each: Fated): Message {
    const token = this.made.push(each) - 1;
    const { key, partition } = each;
    return this.settled.message(String(token), { token, key, topic: 't', partition, offset: token });
  }

  private process(message: Message): ReturnType<Processor['process']> {
    const { fate, delay } = this.made[message.token] ?? assert.fail('an unknown message');
    if (fate === 'at once') return message;
    if (fate === 'throw at once') throw new Error('as fated');
    this.active += 1;
    this.most = Math.max(this.most, this.active);
    return new Promise((resolve, reject) => {
      this.clock.after(delay, () => {
        this.active -= 1;
        const tried = (this.tries.get(message.token) ?? 0) + 1;
        this.tries.set(message.token, tried);
        if (fate === 'always busy' || (fate === 'busy' && tried < 3))
          reject(new TidegateError('TG_PROCESSOR_BUSY', 'not now'));
        else if (fate === 'throw') reject(new Error('as fated'));
        else if (fate === 'drop') resolve(null);
        else if (fate === 'split') resolve(message.split([{ payload: message.payload }, { payload: message.payload }]));
        else resolve(message.derive({}));
      });
    });
  }
}

function passing(name: string, create: () => Processor) {
  return defineProcessor({ name, summary: 'x', config: z.strictObject({}), examples: [], create });
}

const OPERATOR = {
  kind: 'operator' as const,
  name: 'order',
  summary: 'x',
  stateful: false,
  config: z.strictObject({}),
  examples: [],
  create: () => ({ apply: (flow$: Observable<Batch>) => flow$ }),
};

const orderOf = ({ key, partition }: Fated) => key ?? `partition ${partition}`;
const byPartition = ({ partition }: Fated) => String(partition);

function assertOrder(world: World, order: (each: Fated) => string): void {
  const last = new Map<string, number>();
  for (const token of world.out) {
    const name = order(world.made[token] ?? assert.fail());
    assert.ok(token >= (last.get(name) ?? -1), `${token} came behind ${last.get(name)} of ${name}`);
    last.set(name, token);
  }
}

test('each message settles once, in the order of its key, and never more than n are processed at once', async () => {
  await fc.assert(
    fc.asyncProperty(acts, fc.integer({ min: 2, max: 5 }), async (steps, concurrency) => {
      const world = new World(concurrency);
      await world.run(steps);
      await world.finish();
      assert.deepEqual(world.settled.notOnce(world.made.length), []);
      assert.ok(world.most <= concurrency, `${world.most} at once`);
      assertOrder(world, orderOf);
      for (const [token, { fate }] of world.made.entries()) {
        const isFailed = ['throw', 'throw at once', 'always busy'].includes(fate);
        assert.deepEqual(world.settled.byToken.get(token), [isFailed ? 'TG_PROCESSOR_FAILED' : 'ack'], fate);
        const expected = isFailed || fate === 'drop' ? 0 : fate === 'split' ? 2 : 1;
        assert.equal(world.out.filter((each) => each === token).length, expected, fate);
      }
      assert.equal(world.spans.counts.ended, world.spans.counts.traced, 'a span never ended');
    }),
    { numRuns: 150 },
  );
});

test('in front of an operator the order of each partition is kept', async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (steps) => {
      const world = new World(4, true);
      await world.run(steps);
      await world.finish();
      assert.deepEqual(world.settled.notOnce(world.made.length), []);
      assertOrder(world, byPartition);
    }),
    { numRuns: 60 },
  );
});

test('a flow that ends while messages are pending settles each once, and nothing comes out later', async () => {
  await fc.assert(
    fc.asyncProperty(acts, acts, fc.integer({ min: 2, max: 4 }), async (steps, later, concurrency) => {
      const world = new World(concurrency);
      await world.run(steps);
      world.close();
      assert.deepEqual(world.settled.notOnce(world.made.length), []);
      const before = world.out.length;
      await world.run(later.filter((step) => 'wait' in step));
      assert.equal(world.out.length, before);
      assert.deepEqual(world.settled.notOnce(world.made.length), []);
      assert.equal(world.spans.counts.ended, world.spans.counts.traced, 'a span never ended');
    }),
    { numRuns: 100 },
  );
});

test('messages that are nacked while they wait do not come out, and the others do', async () => {
  await fc.assert(
    fc.asyncProperty(acts, acts, async (steps, later) => {
      const world = new World(2);
      await world.run([...steps, { nackAll: true }]);
      const nacked = world.made.length;
      const before = world.out.length;
      await world.run(later);
      await world.finish();
      assert.ok(world.out.slice(before).every((token) => token >= nacked));
      assert.deepEqual(world.settled.notOnce(world.made.length), []);
      assertOrder(world, orderOf);
    }),
    { numRuns: 60 },
  );
});
