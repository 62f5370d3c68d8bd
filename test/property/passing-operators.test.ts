import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidegateError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { PassingRig } from '../unit/pipelines/operators/passing.ts';

const FAILURE = new TidegateError('TG_LOG_UNAVAILABLE', 'made to fail by the test');

type Step =
  | { readonly type: 'send'; readonly keys: readonly string[] }
  | { readonly type: 'settle'; readonly at: number; readonly isGood: boolean }
  | { readonly type: 'pass'; readonly milliseconds: number };

const key = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('send' as const), keys: fc.array(key, { minLength: 1, maxLength: 5 }) }),
  fc.record({ type: fc.constant('settle' as const), at: fc.nat(20), isGood: fc.boolean() }),
  fc.record({ type: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 3_000 }) }),
);

const configs: readonly (readonly [name: string, config: object])[] = [
  ['dedupe', { by: '${! key }', within: '2s', count: 2 }],
  ['throttle', { every: '2s', by: '${! key }', keys: 2 }],
  ['rate_limit', { rate: '1/s', burst: 2, by: '${! key }', when_over: 'drop' }],
  ['rate_limit', { rate: '1/s', burst: 2, by: '${! key }' }],
  ['sample', { every: 2, by: '${! key }' }],
];

for (const [name, config] of configs) {
  test(`${name} ${JSON.stringify(config)}: each message settles once, and passes in the order of its key`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const run = new Run(name, config);
        for (const one of steps) run.do(one);
        run.finish();
        run.check();
      }),
      { numRuns: 300 },
    );
  });
}

/** Drives one operator, as a pipeline with a sink that fails now and then would. */
class Run {
  private readonly rig: PassingRig;
  private readonly sent: string[] = [];
  private readonly settled = new Map<string, number>();

  constructor(name: string, config: object) {
    this.rig = new PassingRig(name, config);
  }

  do(step: Step): void {
    if (step.type === 'send') this.send(step.keys);
    else if (step.type === 'pass') this.rig.clock.advance(step.milliseconds);
    else this.settle(this.open()[step.at], step.isGood);
  }

  /** Everything that may still come has come, and all of it is settled. */
  finish(): void {
    this.rig.end();
    for (let round = 0; round < 1_000 && !this.rig.isComplete; round += 1) this.rig.clock.advance(1_000);
    for (const message of this.open()) this.settle(message, true);
  }

  check(): void {
    assert.equal(this.rig.isComplete, true);
    assert.equal(new Set(this.rig.texts).size, this.rig.texts.length, 'nothing passes twice');
    for (const text of this.sent) assert.equal(this.settled.get(text), 1, `${text} settles once`);
    for (const one of ['a', 'b', 'c']) {
      const of = (texts: readonly string[]) => texts.filter((text) => text.startsWith(one));
      const passed = of(this.rig.texts);
      assert.deepEqual(
        passed,
        of(this.sent).filter((text) => passed.includes(text)),
        'order of the key',
      );
    }
    // A message that counts as filtered is not the first: another one of its key had passed.
    for (const text of this.sent) if (this.rig.outcomes[text] === 'filtered') this.checkFiltered(text);
  }

  private checkFiltered(text: string): void {
    const before = this.sent.slice(0, this.sent.indexOf(text)).filter((other) => other[0] === text[0]);
    assert.ok(
      before.some((other) => this.rig.texts.includes(other)),
      `${text} was dropped, and nothing of its key had passed`,
    );
  }

  private send(keys: readonly string[]): void {
    const texts = keys.map((one, at) => `${one}${this.sent.length + at}`);
    this.sent.push(...texts);
    for (const message of this.rig.send(...texts)) {
      message.whenSettled(() => this.settled.set(message.text, (this.settled.get(message.text) ?? 0) + 1));
      if (message.isSettled) this.settled.set(message.text, 1);
    }
  }

  private open(): Message[] {
    return this.rig.passed.filter((message) => !message.isSettled);
  }

  private settle(message: Message | undefined, isGood: boolean): void {
    if (message === undefined) return;
    if (isGood) message.ack();
    else message.nack(FAILURE);
  }
}
