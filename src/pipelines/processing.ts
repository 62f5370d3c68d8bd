import { concatMap, from, type OperatorFunction, of } from 'rxjs';
import { Batch } from '../core/batch.ts';
import type { Processor } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';

export interface ProcessingOptions {
  /** How often an error marked transient is tried again. */
  readonly retries: number;
  /** Waits before try `attempt` (1, 2, ...). */
  readonly pause: (attempt: number) => Promise<void>;
  readonly retried: (failure: TidegateError) => void;
  readonly filtered: (count: number) => void;
  /** Called around each batch; the returned function ends what it began. */
  readonly trace: (batch: Batch) => () => void;
}

const STRANGER =
  'a processor gave something that was not made from its message; give the message itself, one made with derive, a list made with split, or null';

type Processed = readonly Message[] | Promise<readonly Message[]>;

/**
 * Runs the processors over each message, in order. As long as no processor is asynchronous, no promise is made.
 * What a processor throws fails that message alone; only an error marked transient is tried again, and it holds up
 * what comes behind it, since order is kept.
 */
export function processing(
  processors: readonly Processor[],
  options: ProcessingOptions,
): OperatorFunction<Batch, Batch> {
  return concatMap((batch) => {
    const end = options.trace(batch);
    const processed = processAll(processors, batch.messages, options);
    if (!(processed instanceof Promise)) {
      end();
      return of(new Batch(processed));
    }
    return from(processed.then((messages) => new Batch(messages)).finally(end));
  });
}

function processAll(
  processors: readonly Processor[],
  messages: readonly Message[],
  options: ProcessingOptions,
): Processed {
  if (processors.length === 0) return messages;
  const done: Message[] = [];
  for (let at = 0; at < messages.length; at++) {
    const processed = run(processors, 0, messages[at] as Message, options);
    if (processed instanceof Promise) return finish(processors, messages, at, done, processed, options);
    for (const message of processed as readonly Message[]) done.push(message);
  }
  return done;
}

async function finish(
  processors: readonly Processor[],
  messages: readonly Message[],
  at: number,
  done: Message[],
  first: Promise<readonly Message[]>,
  options: ProcessingOptions,
): Promise<readonly Message[]> {
  done.push(...(await first));
  for (const message of messages.slice(at + 1)) done.push(...(await run(processors, 0, message, options)));
  return done;
}

/** One message through the processors from index `from` on. */
function run(processors: readonly Processor[], from: number, message: Message, options: ProcessingOptions): Processed {
  const processor = processors[from];
  if (processor === undefined) return [message];
  const goOn = (result: Awaited<ReturnType<Processor['process']>>) =>
    follow(processors, from + 1, message, result, options);
  try {
    const result = processor.process(message);
    if (!(result instanceof Promise)) return goOn(result);
    return result.then(goOn).catch((error: unknown) => recover(processors, from, message, error, options, 1));
  } catch (error) {
    return recover(processors, from, message, error, options, 1);
  }
}

function follow(
  processors: readonly Processor[],
  next: number,
  message: Message,
  result: Message | readonly Message[] | null,
  options: ProcessingOptions,
): Processed {
  if (result === null || (Array.isArray(result) && result.length === 0)) {
    message.ack();
    options.filtered(1);
    return [];
  }
  const isOurs = Array.isArray(result) ? result.every((part) => comesFrom(part, message)) : comesFrom(result, message);
  if (!isOurs) {
    message.nack(new TidegateError('TG_PROCESSOR_FAILED', STRANGER));
    return [];
  }
  if (!Array.isArray(result)) return run(processors, next, result as Message, options);
  return processAll(processors.slice(next), result, options);
}

/** A processor of a plugin may give anything; a message that settles nothing would keep its place at the gate for ever. */
function comesFrom(result: unknown, message: Message): boolean {
  return result === message || (result as Message | undefined)?.source === (message.source ?? message);
}

function recover(
  processors: readonly Processor[],
  from: number,
  message: Message,
  error: unknown,
  options: ProcessingOptions,
  attempt: number,
): Processed {
  const failure = asTidegateError(error, 'TG_PROCESSOR_FAILED');
  if (failure.next !== 'retry' || attempt > options.retries || message.isSettled) {
    message.nack(failure.next === 'retry' ? givenUp(failure, attempt) : failure);
    return [];
  }
  options.retried(failure);
  return retry(processors, from, message, options, attempt);
}

/** What has not worked for so long counts as never working: it may become a dead letter. */
function givenUp(failure: TidegateError, tries: number): TidegateError {
  const text = `failed after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failure.message}`;
  return new TidegateError('TG_PROCESSOR_FAILED', text, failure);
}

async function retry(
  processors: readonly Processor[],
  from: number,
  message: Message,
  options: ProcessingOptions,
  attempt: number,
): Promise<readonly Message[]> {
  await options.pause(attempt);
  if (message.isSettled) return [];
  try {
    const result = await (processors[from] as Processor).process(message);
    return await follow(processors, from + 1, message, result, options);
  } catch (error) {
    return recover(processors, from, message, error, options, attempt + 1);
  }
}
