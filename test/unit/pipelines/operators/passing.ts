import { Subject } from 'rxjs';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { Batch } from '../../../../src/core/batch.ts';
import { asTidegateError } from '../../../../src/core/errors.ts';
import { Message, type Readiness } from '../../../../src/core/message.ts';
import { makeComponent } from '../../../../src/sdk/make.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { fakeContext } from '../parts.ts';

/** An operator that is no more than a step of the flow, by its name in the configuration, with a clock in the test's hand. */
export class PassingRig {
  readonly clock = new HandClock();
  /** Messages that were passed on, in their order. Settle them. */
  readonly passed: Message[] = [];
  /** By its text, what became of each message: `stored`, `filtered` or the code of its failure. */
  readonly outcomes: Record<string, string> = {};
  /** What a transaction may do with the messages. */
  readiness: Readiness = 'ready';
  isComplete = false;
  private readonly batches = new Subject<Batch>();

  constructor(name: string, config: unknown) {
    const spec = [...builtinRegistry().all('operator')].find((one) => one.name === name);
    if (spec === undefined) throw new Error(`no operator ${name}`);
    const context = { ...fakeContext().context, clock: this.clock };
    const operator = makeComponent(spec, spec.config.parse(config), context);
    if (!('apply' in operator)) throw new Error(`${name} keeps messages`);
    const host = {
      filter: (message: Message) => message.ack('filtered'),
      fail: (message: Message, error: unknown) => message.nack(asTidegateError(error, 'TG_PROCESSOR_FAILED')),
    };
    operator.apply(this.batches, host).subscribe({
      next: ({ messages }) => this.passed.push(...messages),
      complete: () => {
        this.isComplete = true;
      },
    });
  }

  get texts(): string[] {
    return this.passed.map(({ text }) => text);
  }

  /** One batch; a message's key is what is in front of the first digit of its text. */
  send(...texts: string[]): Message[] {
    const messages = texts.map((text) => {
      const key = /^\D*/.exec(text)?.[0] ?? '';
      return new Message(Buffer.from(text), {
        key: key === '' ? null : key,
        target: {
          readiness: () => this.readiness,
          settled: ({ outcome }, failure) => {
            this.outcomes[text] = failure?.code ?? outcome;
          },
        },
      });
    });
    this.batches.next(new Batch(messages));
    return messages;
  }

  end(): void {
    this.batches.complete();
  }
}
