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

type Result = Awaited<ReturnType<Processor['process']>>;
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
  const chain = new Chain(processors, options);
  return concatMap((batch) => {
    const end = options.trace(batch);
    const processed = chain.processAll(0, batch.messages);
    if (!(processed instanceof Promise)) {
      end();
      return of(new Batch(processed));
    }
    return from(processed.then((messages) => new Batch(messages)).finally(end));
  });
}

/** Processors one behind the other; `at` is the index of one of them. */
class Chain {
  private readonly processors: readonly Processor[];
  private readonly options: ProcessingOptions;

  constructor(processors: readonly Processor[], options: ProcessingOptions) {
    this.processors = processors;
    this.options = options;
  }

  /** Messages through the processors from `at` on. */
  processAll(at: number, messages: readonly Message[]): Processed {
    if (at === this.processors.length) return messages;
    const done: Message[] = [];
    for (let index = 0; index < messages.length; index += 1) {
      const message = messages[index] as Message;
      // Nacked meanwhile: it is behind a record at which its pipeline stops.
      if (message.isSettled) continue;
      const processed = this.process(at, message);
      if (processed instanceof Promise) return this.finish(at, done, processed, messages.slice(index + 1));
      for (const one of processed) done.push(one);
    }
    return done;
  }

  private async finish(
    at: number,
    done: Message[],
    next: Promise<readonly Message[]>,
    rest: readonly Message[],
  ): Promise<readonly Message[]> {
    done.push(...(await next));
    for (const message of rest) if (!message.isSettled) done.push(...(await this.process(at, message)));
    return done;
  }

  /** One message through the processors from `at` on. */
  private process(at: number, message: Message): Processed {
    const processor = this.processors[at];
    if (processor === undefined) return [message];
    try {
      const result = processor.process(message);
      if (!(result instanceof Promise)) return this.goOn(at + 1, message, result);
      return result
        .then((settled) => this.goOn(at + 1, message, settled))
        .catch((error: unknown) => this.recover(at, message, error, 1));
    } catch (error) {
      return this.recover(at, message, error, 1);
    }
  }

  /** With what the processor before `at` made of the message. */
  private goOn(at: number, message: Message, result: Result): Processed {
    if (result === null || (Array.isArray(result) && result.length === 0)) {
      message.ack('filtered');
      this.options.filtered(1);
      return [];
    }
    const isOurs = Array.isArray(result)
      ? result.every((part) => comesFrom(part, message))
      : comesFrom(result, message);
    if (!isOurs) {
      message.nack(new TidegateError('TG_PROCESSOR_FAILED', STRANGER));
      return [];
    }
    if (!Array.isArray(result)) return this.process(at, result as Message);
    return this.processAll(at, result);
  }

  /** After a try that failed: `tries` were made. */
  private recover(at: number, message: Message, error: unknown, tries: number): Processed {
    const failure = asTidegateError(error, 'TG_PROCESSOR_FAILED');
    if (failure.next !== 'retry' || tries > this.options.retries || message.isSettled) {
      message.nack(failure.next === 'retry' ? givenUp(failure, tries) : failure);
      return [];
    }
    this.options.retried(failure);
    return this.retry(at, message, tries);
  }

  private async retry(at: number, message: Message, tries: number): Promise<readonly Message[]> {
    await this.options.pause(tries);
    if (message.isSettled) return [];
    try {
      const result = await (this.processors[at] as Processor).process(message);
      return await this.goOn(at + 1, message, result);
    } catch (error) {
      return this.recover(at, message, error, tries + 1);
    }
  }
}

/** A processor of a plugin may give anything; a message that settles nothing would keep its place at the gate for ever. */
function comesFrom(result: unknown, message: Message): boolean {
  return result === message || (result as Message | undefined)?.source === (message.source ?? message);
}

/** What has not worked for so long counts as never working: it may become a dead letter. */
function givenUp(failure: TidegateError, tries: number): TidegateError {
  const text = `failed after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failure.message}`;
  return new TidegateError('TG_PROCESSOR_FAILED', text, failure);
}
