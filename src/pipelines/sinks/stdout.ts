import { isUtf8 } from 'node:buffer';
import type { Writable } from 'node:stream';
import { Subject } from 'rxjs';
import { type Batch, defineSink, type Message, type Sink, TidegateError, z } from '../../sdk/index.ts';

/** `output`: where the lines go. */
export const stdoutSinkTo = (output: () => Writable) =>
  defineSink({
    name: 'stdout',
    summary: 'The standard output of the gateway, one line for each message.',
    description:
      'A payload is written as it is; one with line breaks or other control characters, or that is not UTF-8, as a JSON string (of base64 where it is not UTF-8), so that a line is always a message. A message is acked when its line was taken by the pipe: a reader that is slow slows the pipeline down. The log of the gateway has the same output.',
    config: z.strictObject({}),
    failures: ['The output is closed.'],
    examples: [{}],
    reaches: 'process',
    create: () => new OutputSink(output()),
  });

export const stdoutSink = stdoutSinkTo(() => process.stdout);

/** Hands the stream one batch at a time; the rest waits here, bounded by the pipeline's gate. */
class OutputSink implements Sink {
  readonly idle$ = new Subject<void>();
  private readonly output: Writable;
  private readonly waiting: Batch[] = [];
  private writing: Batch | undefined;

  constructor(output: Writable) {
    this.output = output;
  }

  get idle(): boolean {
    return this.writing === undefined;
  }

  async open(): Promise<void> {}

  write(batch: Batch): void {
    this.waiting.push(batch);
    if (this.idle) this.next();
  }

  async close(): Promise<void> {
    this.waiting.length = 0;
  }

  private next(): void {
    const batch = this.waiting.shift();
    this.writing = batch;
    if (batch === undefined) {
      this.idle$.next();
      return;
    }
    this.output.write(batch.messages.map(lineOf).join(''), (error) => {
      if (error == null) batch.ack();
      else batch.nack(new TidegateError('TG_FLOW_FAILED', `standard output is closed: ${error.message}`, error));
      this.next();
    });
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a line.
const UNFIT = /[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]/;

function lineOf({ payload }: Message): string {
  if (!isUtf8(payload)) return `${JSON.stringify(payload.toString('base64'))}\n`;
  const text = payload.toString();
  return `${UNFIT.test(text) ? JSON.stringify(text) : text}\n`;
}
