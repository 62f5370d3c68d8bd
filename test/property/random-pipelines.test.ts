import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { stringify } from 'yaml';
import { builtinRegistry } from '../../src/config/index.ts';
import { Batch } from '../../src/core/batch.ts';
import { TidegateError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { buildFlow } from '../../src/pipelines/flow.ts';
import { type ComponentConfig, compileStages } from '../../src/pipelines/stages.ts';
import { type ExampleMessage, titledExample } from '../../src/sdk/example.ts';
import { load, yaml } from '../unit/config/fixture.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { SettleLog } from '../unit/core/settle-log.ts';
import { countingOptions, fakeContext, HandSink, inFlightOf, settled } from '../unit/pipelines/parts.ts';

/** A processor or operator with settings that some example of its own has. */
interface Part {
  readonly name: string;
  readonly settings: unknown;
  readonly inputs: readonly string[];
}

/** All that need nothing from outside, and keep no messages until a group has more of them. */
const PARTS: readonly Part[] = [...builtinRegistry().all('processor'), ...builtinRegistry().all('operator')]
  .filter(({ name }) => name !== 'lookup')
  .flatMap(({ name, examples }) =>
    examples.flatMap((one): Part[] => {
      const example = titledExample(one);
      if (example?.input === undefined) return [];
      const inputs = [example.input].flat() as ExampleMessage[];
      const texts = inputs.map((input) => (typeof input === 'string' ? input : (input.text ?? '')));
      return [{ name, settings: example.config, inputs: texts }];
    }),
  );

const RUNS = Number(process.env.RUNS ?? 60);
const KEYS = ['a', 'b', null] as const;
const chain = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 4 });
const anyText = fc.oneof(fc.json({ maxDepth: 2 }), fc.string({ maxLength: 20 }));

/** A pipeline with batches for it: mostly what its parts have as examples, so that they have something to do. */
const cases = chain.chain((parts) => {
  const known = parts.flatMap(({ inputs }) => inputs);
  const text = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: anyText });
  const message = fc.record({ text, key: fc.constantFrom(...KEYS) });
  const batches = fc.array(fc.array(message, { maxLength: 8 }), { maxLength: 5 });
  return fc.record({ parts: fc.constant(parts), batches });
});
/** What the sink does with what comes, in turns: stores it, refuses it, or is away. */
const fates = fc.array(fc.constantFrom<'stored' | 'refused' | 'away'>('stored', 'stored', 'refused', 'away'), {
  minLength: 1,
  maxLength: 7,
});

const FAILURES = {
  refused: new TidegateError('TG_MESSAGE_INVALID', 'refused by the test'),
  away: new TidegateError('TG_LOG_UNAVAILABLE', 'away by the test'),
};

/** A pipeline of these parts, with a gate that holds six messages, and a sink in the test's hand. */
class Run {
  readonly log = new SettleLog();
  readonly out: Message[] = [];
  readonly clock = new HandClock();
  private readonly source = new Subject<Batch>();
  private readonly flush = new Subject<void>();
  private isOver = false;
  private sent = 0;

  constructor(chosen: readonly Part[]) {
    const registry = builtinRegistry();
    const entries = chosen.map(({ name, settings }): ComponentConfig => {
      const spec = registry.find('processor', name) ?? registry.find('operator', name);
      assert.ok(spec !== undefined, name);
      return { spec, config: spec.config.parse(settings) };
    });
    const context = { ...fakeContext().context, clock: this.clock };
    const { inFlight } = inFlightOf({ messages: 1_000, bytes: 1_000_000 });
    buildFlow(this.source, {
      inFlight,
      batch: { count: 4, bytes: 1_000_000, period: 5 },
      stages: compileStages(entries, { contextOf: () => context }),
      sink: new HandSink(),
      processing: countingOptions().options,
      flush$: this.flush,
      opened$: new Subject<void>(),
      clock: this.clock,
    }).subscribe({
      next: ({ messages }) => this.out.push(...messages),
      complete: () => {
        this.isOver = true;
      },
    });
  }

  send(contents: readonly { readonly text: string; readonly key: string | null }[]): void {
    const messages = contents.map(({ text, key }) => this.log.message(text, { key, token: this.sent++ }));
    this.source.next(new Batch(messages));
  }

  /** Everything has come out that will. */
  async end(): Promise<number> {
    this.source.complete();
    for (let round = 0; round < 2_000 && !this.isOver; round += 1) {
      this.clock.advance(60_000);
      await settled();
    }
    assert.ok(this.isOver, 'the flow has ended');
    return this.sent;
  }
}

test('in any pipeline each message settles exactly once, whatever the sink does', async () => {
  await fc.assert(
    fc.asyncProperty(cases, fates, async ({ parts, batches }, fate) => {
      const run = new Run(parts);
      let taken = 0;
      const settle = () => {
        for (; taken < run.out.length; taken += 1) {
          const outcome = fate[taken % fate.length] ?? 'stored';
          const message = run.out[taken] as Message;
          if (outcome === 'stored') message.ack();
          else message.nack(FAILURES[outcome]);
        }
      };
      for (const some of batches) {
        run.send(some);
        run.clock.advance(10);
        await settled();
        settle();
      }
      const count = await run.end();
      settle();
      await settled();
      assert.deepEqual(run.log.notOnce(count), []);
    }),
    { numRuns: RUNS },
  );
});

test('in any pipeline the messages of a key come out in their order', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ parts, batches }) => {
      const run = new Run(parts);
      for (const some of batches) {
        run.send(some);
        run.clock.advance(10);
        await settled();
      }
      await run.end();
      for (const key of KEYS) {
        const tokens = run.out.filter((message) => (message.source ?? message).key === key).map(tokenOf);
        assert.deepEqual(
          tokens,
          tokens.toSorted((one, other) => one - other),
          `key ${key}`,
        );
      }
      for (const message of run.out) if (!message.isSettled) message.ack();
    }),
    { numRuns: RUNS },
  );
});

test('a configuration that is written as YAML and read again is the same', async () => {
  await fc.assert(
    fc.asyncProperty(chain, async (chosen) => {
      const processors = chosen.map(({ name, settings }) => ({ [name]: settings }));
      const pipeline = { source: { endpoint: 'rooms' }, processors, sink: { topic: { name: 'chat' } } };
      const text = yaml({ pipelines: stringify({ pipelines: { in: escaped(pipeline) } }) });
      const { config } = await load(text);
      const read = config.pipelines.in?.processors ?? [];
      const registry = builtinRegistry();
      assert.deepEqual(
        read.map((step) => ('spec' in step ? [step.spec.name, shown(step.config)] : [])),
        chosen.map(({ name, settings }) => {
          const spec = registry.find('processor', name) ?? registry.find('operator', name);
          return [name, shown(spec?.config.parse(settings))];
        }),
      );
    }),
    { numRuns: RUNS },
  );
});

/** The part of a message that was split has the token of the whole. */
function tokenOf(message: Message): number {
  return (message.source ?? message).token;
}

/** Texts of the environment are filled in by `${NAME}`; an expression begins with `${!`. */
function escaped(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/\$\{(?!!)/g, () => '$${'));
}

/** Expressions and other compiled settings by the text that they were made of. */
function shown(config: unknown): string {
  return JSON.stringify(config, (_, value: unknown) => (typeof value === 'function' ? undefined : value));
}
