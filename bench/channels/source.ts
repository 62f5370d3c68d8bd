/* A source for the gateway under test: records that the bench wants, as fast as the pipeline takes them, without a log. */
import { Subject } from 'rxjs';
import { Batch, defineSource, Message, type Source, z } from '../../src/sdk/index.ts';

/** One load: records of equal size, in turn for each of the channels. */
export interface Load {
  readonly records: number;
  /** Names are `PREFIX.NUMBER`. */
  readonly channels: number;
  readonly prefix: string;
  readonly payload: string;
  /** Records of one turn of the event loop. */
  readonly perTurn: number;
}

class BenchSource implements Source {
  readonly batches$ = new Subject<Batch>();
  private isPaused = false;
  private next = () => {};

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.next();
  }

  /** Resolves when the pipeline has settled all records. */
  run({ records, channels, prefix, payload, perTurn }: Load): Promise<void> {
    return new Promise((resolve, reject) => {
      let [made, settled] = [0, 0];
      const keys = Array.from({ length: Math.min(channels, records) }, (_, at) => Buffer.from(`${prefix}.${at}`));
      const value = Buffer.from(payload);
      const target = {
        settled: (_message: Message, failure: Error | null) => {
          if (failure !== null) reject(failure);
          settled += 1;
          if (settled === records) resolve();
        },
      };
      this.next = () => {
        if (this.isPaused || made === records) return;
        const messages: Message[] = [];
        for (const end = Math.min(records, made + perTurn); made < end; made += 1)
          messages.push(new Message(value, { key: keys[made % keys.length] ?? null, target }));
        this.batches$.next(new Batch(messages));
        setImmediate(this.next);
      };
      this.next();
    });
  }
}

/** Shared with the process of the gateway, which loads this file as a plugin. */
const own = globalThis as { benchSource?: BenchSource };

export function benchSource(): BenchSource {
  own.benchSource ??= new BenchSource();
  return own.benchSource;
}

export default defineSource({
  name: 'bench',
  summary: 'Records that the bench wants.',
  config: z.strictObject({}),
  examples: [{}],
  sharing: () => 'own',
  create: () => benchSource(),
});
