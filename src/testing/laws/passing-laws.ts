import fc from 'fast-check';
import { Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Operator } from '../../core/component.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { MessageContent } from '../arbitraries/message.ts';
import type { TestClock } from '../simulation/test-clock.ts';
import { keeps } from './breach.ts';
import { turn } from './ending.ts';
import { shownMessage } from './shown.ts';
import { WatchedMessage } from './watched-message.ts';

/** What happens to an operator that decides about each message when it comes. */
export type PassingStep =
  | { readonly type: 'send'; readonly batch: readonly MessageContent[] }
  /** One of the messages that it has passed on and that are not settled, by its number. */
  | { readonly type: 'settle'; readonly at: number; readonly isGood: boolean }
  | { readonly type: 'pass'; readonly milliseconds: number }
  /** The source gives up a message that has come: its partition is another member's. */
  | { readonly type: 'giveUp'; readonly at: number };

export function passingSteps(contents: fc.Arbitrary<MessageContent>): fc.Arbitrary<readonly PassingStep[]> {
  const batch = fc.array(contents, { minLength: 1, maxLength: 5 });
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: batch.map((one): PassingStep => ({ type: 'send', batch: one })) },
      {
        weight: 3,
        arbitrary: fc
          .record({ at: fc.nat(9), isGood: fc.boolean() })
          .map((one): PassingStep => ({ type: 'settle', ...one })),
      },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom(1, 100, 1_000, 60_000, 3_600_000)
          .map((milliseconds): PassingStep => ({ type: 'pass', milliseconds })),
      },
      { weight: 1, arbitrary: fc.nat(9).map((at): PassingStep => ({ type: 'giveUp', at })) },
    ),
    { minLength: 1, maxLength: 20 },
  );
}

/** Time after which an operator has given out all that it waited with: a day, in steps of an hour. */
const ROUNDS = 24;
const HOUR = 3_600_000;

/** An operator in the flow of a pipeline. */
export class PassingRun {
  readonly sent: WatchedMessage[] = [];
  /** What it has passed on, in its order. */
  readonly passed: Message[] = [];
  /** What it did, for comparisons. */
  readonly decisions: string[] = [];
  private isComplete = false;
  private error: unknown;
  private readonly clock: TestClock;
  private readonly batches = new Subject<Batch>();
  private readonly problems: { readonly what: string; readonly advice: string }[] = [];

  constructor(operator: Operator, clock: TestClock) {
    this.clock = clock;
    const end = (message: Message, what: string, settle: () => void) => {
      this.decisions.push(`${what} ${message.token}`);
      settle();
    };
    const host = {
      filter: (message: Message) => end(message, 'filtered', () => message.ack('filtered')),
      fail: (message: Message, error: unknown) =>
        end(message, 'failed', () => message.nack(asTidegateError(error, 'TG_PROCESSOR_FAILED'))),
    };
    operator.apply(this.batches, host).subscribe({
      next: (batch) => this.take(batch),
      error: (error) => {
        this.error = error;
      },
      complete: () => {
        this.isComplete = true;
      },
    });
  }

  async run(steps: readonly PassingStep[]): Promise<void> {
    for (const step of steps) {
      this.do(step);
      await turn();
    }
    this.batches.complete();
    for (let round = 0; round < ROUNDS && !this.isComplete && this.error === undefined; round += 1) {
      this.clock.advance(HOUR);
      await turn();
    }
    // What is in flight is settled at last.
    for (const message of this.open) message.ack();
    await turn();
  }

  /** What it passed on can go on. */
  checkPassed(): void {
    const [first] = this.problems;
    if (first !== undefined) keeps(false, first.what, first.advice);
    keeps(
      this.error === undefined,
      `the flow ended with ${String(this.error)}`,
      'fail the message alone, with host.fail: an error of the flow starts the whole pipeline again',
    );
  }

  checkOnce(): void {
    for (const { message, outcomes, settled } of this.sent) {
      const times = this.passed.filter((one) => one === message || one.source === message).length;
      keeps(
        outcomes.length > 0,
        `message ${message.token + 1} was neither passed on nor settled`,
        'pass on each message, or end it with host.filter or host.fail',
      );
      keeps(
        times <= 1,
        `message ${message.token + 1} was passed on ${times} times`,
        'pass on each message once; use message.copies for more of them',
      );
      keeps(
        settled <= 1,
        `message ${message.token + 1} was settled ${settled} times`,
        'do not pass on a message that host.filter or host.fail has ended',
      );
    }
  }

  checkOrder(): void {
    const last = new Map<string, number>();
    for (const message of this.passed) {
      const { token, key } = message.source ?? message;
      const name = key?.toString() ?? '';
      const before = last.get(name) ?? -1;
      keeps(
        token > before,
        `message ${token + 1} was passed on behind message ${before + 1} of the same key`,
        'keep messages of a key in the order in which they came',
      );
      last.set(name, token);
    }
  }

  checkEnd(): void {
    keeps(
      this.isComplete,
      'the batches that go on have not completed, a day after those that come',
      'complete when batches$ completes, once all that waits has gone on: a pipeline that stops waits for it',
    );
  }

  private get open(): Message[] {
    return this.passed.filter((message) => !message.isSettled);
  }

  private do(step: PassingStep): void {
    const { open, sent } = this;
    if (step.type === 'send') {
      const added = step.batch.map((content, at) => new WatchedMessage(content, { token: sent.length + at }));
      sent.push(...added);
      this.batches.next(new Batch(added.map(({ message }) => message)));
    } else if (step.type === 'pass') this.clock.advance(step.milliseconds);
    else if (step.type === 'settle' && step.isGood) open[step.at]?.ack();
    else if (step.type === 'settle') open[step.at]?.nack(FAILED);
    else sent.filter(({ message }) => !message.isSettled)[step.at]?.message.nack(FAILED);
  }

  private take(batch: Batch): void {
    if (!(batch instanceof Batch)) {
      this.problems.push({ what: `it gave ${String(batch)}`, advice: 'give new Batch([...])' });
      return;
    }
    for (const message of batch.messages) {
      this.passed.push(message);
      this.decisions.push(`passed ${message.token}`);
      if (message.isSettled)
        this.problems.push({
          what: `message ${message.token + 1} was passed on, and was settled already`,
          advice: 'check isSettled before you pass a message on: its source may have given it up meanwhile',
        });
    }
  }
}

const FAILED = new TidegateError('TG_LOG_UNAVAILABLE', 'away by the law');

export function shownStep(step: PassingStep): unknown {
  if (step.type === 'send') return { send: step.batch.map(shownMessage) };
  if (step.type === 'pass') return { pass: `${step.milliseconds}ms` };
  if (step.type === 'giveUp') return { giveUp: step.at };
  return { [step.isGood ? 'ack' : 'nack']: step.at };
}
