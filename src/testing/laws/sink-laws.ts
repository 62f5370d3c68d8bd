import fc from 'fast-check';
import { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import type { SinkSpec } from '../../sdk/define.ts';
import { makeComponent } from '../../sdk/make.ts';
import { anyContent, type MessageContent } from '../arbitraries/message.ts';
import { keeps } from './breach.ts';
import { type ComponentLawOptions, settingsOf } from './component.ts';
import { ending, isPromise, MIN_TURNS, TIMEOUT, toNextTimer, turn } from './ending.ts';
import { type Law, lawOf, type Rule, type Settings } from './law.ts';
import { type Fate, LawGateway } from './law-gateway.ts';
import { counted, shownMessage } from './shown.ts';
import { WatchedMessage } from './watched-message.ts';

export interface SinkLawOptions extends Omit<ComponentLawOptions, 'gateway'> {
  /** The gateway that the sink is made with. `fates`: what is to become of the messages that it is handed, in turns. */
  readonly gateway?: (fates: readonly Fate[]) => LawGateway;
  /** Makes what is outside of the gateway do as `fates` say, for a sink that writes to something else. */
  readonly outside?: (fates: readonly Fate[]) => void;
}

interface Story {
  readonly batches: readonly (readonly MessageContent[])[];
  readonly fates: readonly Fate[];
}

/** What every sink has to keep to. */
export function sinkLaws(spec: SinkSpec, options: SinkLawOptions = {}): Law[] {
  const batch = fc.array(options.messages ?? anyContent, { minLength: 1, maxLength: 4 });
  const inputs: fc.Arbitrary<Story> = fc.record({
    batches: fc.array(batch, { minLength: 1, maxLength: 4 }),
    fates: fc.array(fc.constantFrom<Fate>('stored', 'stored', 'refused', 'away'), { minLength: 1, maxLength: 4 }),
  });
  const settings = settingsOf(spec, options);
  const shared = { inputs, show: shownStory, advice: 'settle what cannot be written with nack; throw nothing' };
  const add = (says: string, check: (run: SinkRun, story: Story) => Promise<void>): Law => {
    const rule: Rule<Settings, Story> = {
      ...shared,
      says,
      check: async ({ parsed }, story) => {
        const run = new SinkRun(spec, parsed, options, story.fates);
        try {
          await run.open();
          await check(run, story);
        } finally {
          run.giveUp();
        }
      },
    };
    return lawOf(spec.name, options, settings, rule);
  };
  return [
    add('settles each message once, whatever becomes of it', async (run, { batches }) => {
      for (const one of batches) run.write(one);
      await run.untilSettled();
      await turn();
      run.checkAtMostOnce();
    }),
    add('takes a batch and returns at once', async (run, { batches }) => {
      for (const one of batches)
        keeps(!isPromise(run.write(one)), 'write gave a promise, which the pipeline does not wait for', WRITES);
      await run.untilSettled();
    }),
    add('keeps the order of what it hands over', async (run, { batches }) => {
      for (const one of batches) run.write(one);
      await run.untilSettled();
      run.checkOrder();
    }),
    add('is idle when all is settled, and says so', async (run, { batches }) => {
      for (const one of batches) {
        const wasIdle = run.write(one) === undefined && run.sink.idle;
        await run.untilSettled();
        await run.untilIdle(wasIdle);
      }
    }),
    add('closes at any time', async (run, { batches }) => {
      for (const one of batches) run.write(one);
      await run.close();
      // The pipeline settles what a sink has left.
      await turn();
      run.checkAtMostOnce();
    }),
  ];
}

const WRITES = 'let write begin the work and return nothing; settle the messages when it has ended';

/** A sink in use. */
class SinkRun {
  readonly sink: Sink;
  private readonly gateway: LawGateway;
  private readonly timeout: number;
  private readonly written: WatchedMessage[] = [];
  private idles = 0;
  private isClosed = false;

  constructor(spec: SinkSpec, config: unknown, options: SinkLawOptions, fates: readonly Fate[]) {
    this.gateway = options.gateway?.(fates) ?? new LawGateway(fates);
    this.timeout = options.timeout ?? TIMEOUT;
    options.outside?.(fates);
    this.sink = makeComponent(spec, config, this.gateway.context);
    this.sink.idle$.subscribe(() => {
      this.idles += 1;
    });
  }

  async open(): Promise<void> {
    await ending(this.sink.open(), this.limits, 'open');
  }

  write(contents: readonly MessageContent[]): unknown {
    const watched = contents.map((content) => new WatchedMessage(content, { token: this.written.length }));
    this.written.push(...watched);
    this.idles = 0;
    return this.sink.write(new Batch(watched.map(({ message }) => message)));
  }

  async untilSettled(): Promise<void> {
    await this.until(
      () => this.written.every(({ message }) => message.isSettled),
      () =>
        `${this.written.filter(({ message }) => !message.isSettled).length} of ${counted(this.written.length, 'message')} not settled`,
      'ack what has arrived and nack what has not, in the callback of every way in which a write can end, failures too',
    );
  }

  async untilIdle(wasIdle: boolean): Promise<void> {
    await this.until(
      () => this.sink.idle,
      () => 'all messages were settled, and idle was false',
      'set idle when the last message is settled: batching waits for more messages until then',
    );
    if (wasIdle) return;
    await this.until(
      () => this.idles > 0,
      () => 'idle became true, and idle$ emitted nothing',
      'let idle$ emit whenever idle becomes true: a batch that waits for it would wait for its time',
    );
  }

  checkAtMostOnce(): void {
    for (const [at, { settled }] of this.written.entries())
      keeps(
        settled <= 1,
        `message ${at + 1} was settled ${settled} times`,
        'settle each message at one place: where its write ends',
      );
  }

  /** Of messages that went to the same place. */
  checkOrder(): void {
    const last = new Map<string, number>();
    for (const { to, message } of this.gateway.handedOver) {
      const at = this.written.findIndex((one) => one.message === (message.source ?? message));
      if (at < 0) continue;
      const before = last.get(to) ?? -1;
      keeps(
        at >= before,
        `message ${at + 1} was handed to ${to} behind message ${before + 1}`,
        'hand messages over in the order of the batches, also where some of them have to wait for a value',
      );
      last.set(to, at);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await ending(this.sink.close(), this.limits, 'close');
  }

  /** Closes it without any demands: how it closes is for a law of its own. */
  giveUp(): void {
    if (!this.isClosed) void this.sink.close().catch(() => {});
  }

  private get limits() {
    return { clock: this.gateway.clock, timeout: this.timeout };
  }

  private async until(condition: () => boolean, what: () => string, advice: string): Promise<void> {
    const deadline = performance.now() + this.timeout;
    for (let turns = 0; !condition(); turns += 1) {
      await turn();
      const isLate = performance.now() > deadline && turns > MIN_TURNS;
      keeps(!isLate || condition(), `${what()} after ${this.timeout} ms`, advice);
      if (turns % 4 === 3) toNextTimer(this.gateway.clock);
    }
  }
}

function shownStory({ batches, fates }: Story): unknown {
  return { batches: batches.map((one) => one.map(shownMessage)), fates };
}
