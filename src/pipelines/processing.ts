import { concatMap, from, type OperatorFunction, of } from 'rxjs';
import { Batch } from '../core/batch.ts';
import type { Processor } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import { withoutHeader } from '../core/headers.ts';
import { Message } from '../core/message.ts';
import { withFacts } from './dead-letter-facts.ts';
import { FAILED_AT, failureHeaders, final, ProcessorFailure } from './processor-failure.ts';
import { isTry, type OnError, type ProcessorStep, type Step, type TryStep } from './step.ts';

export interface ProcessingOptions {
  /** How often an error marked transient is tried again. */
  readonly retries: number;
  /** Waits before try `attempt` (1, 2, ...). */
  readonly pause: (attempt: number) => Promise<void>;
  readonly retried: (failure: TidegateError) => void;
  /** A processor ended the message on purpose; `processor`: its place in the YAML, as `processors[0].filter`. */
  readonly filtered: (message: Message, processor: string) => void;
  /** The message failed for good at a processor that says `on_error: skip`. */
  readonly skipped: (message: Message, failure: TidegateError) => void;
  /** Called around each batch; the returned function ends what it began. */
  readonly trace: (batch: Batch) => () => void;
}

const FOREIGN_RESULT =
  'a processor gave something that was not made from its message; give the message itself, one made with derive, a list made with split, or null';

const NONE: readonly Message[] = [];

type Result = Awaited<ReturnType<Processor['process']>>;
/** What came of one message, which mostly is one: no list is made for it. */
type Made = Message | readonly Message[];
type Processed = Made | Promise<Made>;
/** What becomes of a message that failed for good; `onError`: what its processor says about it. */
type Failed = (message: Message, failure: TidegateError, onError: OnError | undefined) => void;

/**
 * Runs the processors over each message, in order. As long as no processor is asynchronous, no promise is made.
 * What a processor throws fails that message alone; only an error marked transient is tried again, and it holds up
 * what comes behind it, since order is kept.
 */
export function processing(steps: readonly Step[], options: ProcessingOptions): OperatorFunction<Batch, Batch> {
  const process = chainOf(steps, options);
  return concatMap((batch) => {
    const end = options.trace(batch);
    const processed = process(batch.messages);
    if (!(processed instanceof Promise)) {
      end();
      return of(new Batch(processed));
    }
    return from(processed.then((messages) => new Batch(messages)).finally(end));
  });
}

/** What the steps make of messages, one after the other; those that fail or end in them are settled. */
export function chainOf(
  steps: readonly Step[],
  options: ProcessingOptions,
): (messages: readonly Message[]) => readonly Message[] | Promise<readonly Message[]> {
  const chain = new Chain(steps, options, settling(options));
  return (messages) => chain.processAll(0, messages);
}

function settling(options: ProcessingOptions): Failed {
  return (message, failure, onError) => {
    if (onError !== 'skip' || failure.next !== 'reject') {
      message.nack(onError === 'fail' ? final(failure) : failure);
      return;
    }
    options.skipped(message, failure);
    message.ack('filtered');
  };
}

/** Thrown through the processors of a `try`, and caught by it. */
class Caught {
  readonly failure: TidegateError;

  constructor(failure: TidegateError) {
    this.failure = failure;
  }
}

/** Steps one behind the other; `at` is the index of one of them. */
class Chain {
  private readonly steps: readonly Step[];
  private readonly options: ProcessingOptions;
  private readonly failed: Failed;
  /** By the index of its step. */
  private readonly tries: readonly (Attempt | undefined)[];

  constructor(steps: readonly Step[], options: ProcessingOptions, failed: Failed) {
    this.steps = steps;
    this.options = options;
    this.failed = failed;
    this.tries = steps.map((step) => (isTry(step) ? new Attempt(step, options, failed) : undefined));
  }

  /** Messages through the steps from `at` on. */
  processAll(at: number, messages: readonly Message[]): readonly Message[] | Promise<readonly Message[]> {
    if (at === this.steps.length) return messages;
    const done: Message[] = [];
    for (let index = 0; index < messages.length; index += 1) {
      const message = messages[index] as Message;
      // Nacked meanwhile: it is behind a record at which its pipeline stops.
      if (message.isSettled) continue;
      const processed = this.process(at, message);
      if (processed instanceof Promise) return this.finish(at, done, processed, messages.slice(index + 1));
      add(done, processed);
    }
    return done;
  }

  private async finish(
    at: number,
    done: Message[],
    next: Promise<Made>,
    rest: readonly Message[],
  ): Promise<readonly Message[]> {
    add(done, await next);
    for (const message of rest) {
      if (message.isSettled) continue;
      add(done, await this.process(at, message));
    }
    return done;
  }

  /** One message through the steps from `at` on. */
  private process(at: number, message: Message): Processed {
    const step = this.steps[at];
    if (step === undefined) return message;
    const begun = step.metrics?.in() === true ? performance.now() : undefined;
    const attempt = this.tries[at];
    if (attempt === undefined) return this.run(at, message, 1, begun);
    const processed = attempt.run(message);
    if (processed instanceof Promise) return processed.then((messages) => this.leave(at, messages, begun));
    return this.leave(at, processed, begun);
  }

  /** With what came out of a `try`, which has settled everything else. */
  private leave(at: number, messages: readonly Message[], begun: number | undefined): Processed {
    const { metrics, observe } = this.steps[at] as TryStep;
    observe?.(messages);
    if (begun !== undefined) metrics?.took(performance.now() - begun);
    metrics?.out(messages.length);
    return this.processAll(at + 1, messages);
  }

  /** One message through a processor and what follows; `tries`: how many were made with this one. */
  private run(at: number, message: Message, tries: number, begun?: number): Processed {
    const step = this.steps[at] as ProcessorStep;
    let result: Result | Promise<Result>;
    try {
      result = step.process(message);
    } catch (error) {
      return this.recover(at, message, error, tries);
    }
    if (!(result instanceof Promise)) {
      if (begun !== undefined) step.metrics?.took(performance.now() - begun);
      return this.goOn(at, message, result);
    }
    return result.then(
      (given) => {
        if (begun !== undefined) step.metrics?.took(performance.now() - begun);
        return this.goOn(at, message, given);
      },
      (error: unknown) => this.recover(at, message, error, tries),
    );
  }

  /** With what the processor at `at` made of the message. */
  private goOn(at: number, message: Message, result: Result): Processed {
    const { place = '', metrics } = this.steps[at] as Step;
    if (!isMadeOf(message, result)) return this.fail(at, message, foreignResult());
    if (result === null || (Array.isArray(result) && result.length === 0)) {
      metrics?.filter();
      // Before the ack: the span of a message is over with its batch, and what is recorded of it afterwards is lost.
      this.options.filtered(message, place);
      message.ack('filtered');
      return NONE;
    }
    if (!Array.isArray(result)) {
      metrics?.out(1);
      return this.process(at + 1, result as Message);
    }
    metrics?.out(result.length);
    return this.processAll(at + 1, result);
  }

  /** After a try that failed: `tries` were made. */
  private recover(at: number, message: Message, error: unknown, tries: number): Processed {
    const failure = asTidegateError(error, 'TG_PROCESSOR_FAILED');
    if (failure.next !== 'retry' || tries > this.options.retries || message.isSettled)
      return this.fail(at, message, failure.next === 'retry' ? givenUp(failure, tries) : failure);
    this.options.retried(failure);
    return this.options.pause(tries).then(() => (message.isSettled ? [] : this.run(at, message, tries + 1)));
  }

  private fail(at: number, message: Message, failure: TidegateError): readonly Message[] {
    const { place, onError, metrics } = this.steps[at] as Step;
    metrics?.fail();
    const placed = place === undefined ? failure : new ProcessorFailure(failure, place);
    // Another one than the message itself where that was taken back from a processor that was too late.
    this.failed(message.holder, placed, onError);
    return NONE;
  }
}

/**
 * A `try` with its `catch`. A message that fails in it for good goes on as it came, with headers that say what went
 * wrong, through the steps of `catch`; what was made of it until then is forgotten. A processor with an `on_error` of its
 * own decides for itself, and a failure that says nothing about the message is none of `catch`.
 */
class Attempt {
  private readonly step: TryStep;
  private readonly attempt: Chain;
  private readonly rescue: Chain;

  constructor(step: TryStep, options: ProcessingOptions, outer: Failed) {
    this.step = step;
    const settle = settling(options);
    this.attempt = new Chain(step.attempt, options, (message, failure, onError) => {
      if (onError === undefined && failure.next === 'reject') throw new Caught(failure);
      settle(message, failure, onError);
    });
    this.rescue = new Chain(step.rescue, options, (message, failure, onError) =>
      outer(message, failure, onError ?? step.onError),
    );
  }

  run(message: Message): readonly Message[] | Promise<readonly Message[]> {
    try {
      const processed = this.attempt.processAll(0, [message]);
      if (!(processed instanceof Promise)) return processed;
      return processed.catch((thrown: unknown) => this.caught(message, thrown));
    } catch (thrown) {
      return this.caught(message, thrown);
    }
  }

  private caught(message: Message, thrown: unknown): readonly Message[] | Promise<readonly Message[]> {
    if (!(thrown instanceof Caught)) throw thrown;
    this.step.metrics?.fail();
    const headers = withFacts(withoutHeader(message.headers, FAILED_AT), failureHeaders(thrown.failure));
    message.takeBack();
    return this.rescue.processAll(0, [message.holder.derive({ headers })]);
  }
}

function add(done: Message[], made: Made): void {
  if (!Array.isArray(made)) done.push(made as Message);
  else for (const one of made) done.push(one);
}

/**
 * A processor of a plugin may give anything, also what throws when it is looked at. A message that settles nothing would keep its
 * place at the gate for ever, and what is no message would break the pipeline with the messages of others.
 */
function isMadeOf(message: Message, result: unknown): boolean {
  try {
    if (!Array.isArray(result)) return result === null || comesFrom(result, message);
    // Not `every`, which leaves out what a list has no value for.
    for (let index = 0; index < result.length; index += 1) if (!comesFrom(result[index], message)) return false;
    return true;
  } catch {
    return false;
  }
}

function comesFrom(result: unknown, message: Message): boolean {
  return result === message || (result instanceof Message && result.source === (message.source ?? message));
}

function foreignResult(): TidegateError {
  return new TidegateError('TG_PROCESSOR_FAILED', FOREIGN_RESULT);
}

/** What has not worked for so long counts as never working: it may become a dead letter. */
function givenUp(failure: TidegateError, tries: number): TidegateError {
  const text = `failed after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failure.message}`;
  return new TidegateError('TG_PROCESSOR_FAILED', text, failure);
}
