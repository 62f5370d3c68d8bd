import type { Processor, ProcessorCall } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import type { ComponentContext } from '../sdk/context.ts';

type Process = Processor['process'];
type Result = Awaited<ReturnType<Process>>;

/**
 * A processor that has so many milliseconds for each message. A promise that is not settled by then fails its message with
 * TG_PROCESSOR_TIMEOUT, whatever comes of it later. Nothing is made for a message that is processed at once.
 */
export function limited(processor: Processor, timeout: number, context: ComponentContext): Process {
  // Most processors take no second parameter, and need no signal.
  const wantsSignal = processor.process.length > 1;
  const { signal } = context;
  const shared: ProcessorCall = { signal };
  return (message) => {
    const call = wantsSignal ? new Call(signal) : undefined;
    const result = processor.process(message, call ?? shared);
    if (!(result instanceof Promise)) return result;
    return within(timeout, message, result, context, call);
  };
}

/** A processor that may take its time: its signal is that of its pipeline. */
export function unlimited(processor: Processor, { signal }: ComponentContext): Process {
  const call: ProcessorCall = { signal };
  return (message) => processor.process(message, call);
}

/** The signal is made when it is asked for. */
class Call implements ProcessorCall {
  private readonly closed: AbortSignal;
  private controller: AbortController | undefined;
  private reason: TidegateError | undefined;

  constructor(closed: AbortSignal) {
    this.closed = closed;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) this.controller.abort(this.reason);
      else if (this.closed.aborted) this.controller.abort(this.closed.reason);
      else this.closed.addEventListener('abort', this.abort, { once: true });
    }
    return this.controller.signal;
  }

  /** The time is over. */
  expire(reason: TidegateError): void {
    this.reason = reason;
    this.end();
    this.controller?.abort(reason);
  }

  /** The processor is done with the message. */
  end(): void {
    this.closed.removeEventListener('abort', this.abort);
  }

  private readonly abort = () => this.controller?.abort(this.closed.reason);
}

function within(
  timeout: number,
  message: Message,
  result: Promise<Result>,
  { clock }: ComponentContext,
  call: Call | undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeout, () => {
      const late = new TidegateError(
        'TG_PROCESSOR_TIMEOUT',
        `it was not done with the message within ${timeout} ms; bound what it waits for, or set a longer timeout beside it`,
      );
      // The processor may settle it once more, or make another one of it, while its failure is handled.
      message.takeBack();
      reject(late);
      call?.expire(late);
    });
    const end = () => {
      cancel();
      call?.end();
    };
    result.then(
      (made) => {
        end();
        resolve(made);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
  });
}
