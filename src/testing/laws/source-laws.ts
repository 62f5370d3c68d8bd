import fc from 'fast-check';
import type { Subscription } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import { Message } from '../../core/message.ts';
import type { SourceSpec } from '../../sdk/define.ts';
import { makeComponent } from '../../sdk/make.ts';
import { anyContent, type MessageContent } from '../arbitraries/message.ts';
import { keeps } from './breach.ts';
import { type ComponentLawOptions, gatewayOf, settingsOf } from './component.ts';
import { ending, TIMEOUT, turn } from './ending.ts';
import { type Law, lawOf, type Settings } from './law.ts';
import type { LawGateway } from './law-gateway.ts';
import { counted, shownMessage } from './shown.ts';

export interface SourceLawOptions extends ComponentLawOptions {
  /** Makes what the source reads of have these messages. To the topics, endpoints and servers of the gateway if left out. */
  readonly feed?: (contents: readonly MessageContent[], gateway: LawGateway) => void;
  /** Most messages that may still come after `pause`: what the source had read already. 1,000 if left out. */
  readonly pauseBound?: number;
}

type Story = readonly (readonly MessageContent[])[];

/** Turns of the event loop, with a second of the source's clock each, after which nothing more comes of what it was fed. */
const TURNS = 8;
const PAUSE_BOUND = 1_000;
const SECOND = 1_000;

/** What every source has to keep to. */
export function sourceLaws(spec: SourceSpec, options: SourceLawOptions = {}): Law[] {
  const batch = fc.array(options.messages ?? anyContent, { minLength: 1, maxLength: 4 });
  const settings = settingsOf(spec, options);
  const add = (says: string, check: (run: SourceRun, story: Story) => Promise<void>): Law =>
    lawOf<Story>(spec.name, options, settings, {
      says,
      inputs: fc.array(batch, { minLength: 1, maxLength: 3 }),
      show: (story) => story.map((one) => one.map(shownMessage)),
      advice: 'let batches$ fail with an error in place of throwing: the pipeline opens a new source after a pause',
      check: async (one: Settings, story) => {
        const run = new SourceRun(spec, one.parsed, options);
        try {
          await check(run, story);
        } finally {
          run.giveUp();
        }
      },
    });
  return [
    add('gives nothing before it is open', async (run, story) => {
      await run.feedAll(story);
      keeps(run.messages.length === 0, `${counted(run.messages.length, 'message')} came before open was called`, OPENS);
    }),
    add('gives batches of messages that are not settled', async (run, story) => {
      await run.open();
      await run.feedAll(story);
      keeps(run.messages.length > 0, 'nothing came of what it was fed', FEEDS);
      run.checkBatches();
    }),
    add('takes what becomes of its messages, good or bad', async (run, story) => {
      await run.open();
      await run.feedAll(story);
      await run.settleAll();
    }),
    add('holds while it is paused, and goes on', async (run, story) => {
      await run.open();
      await run.feedAll(story);
      run.source.pause();
      const before = run.messages.length;
      for (let round = 0; round < 3; round += 1) await run.feedAll(story);
      const after = run.messages.length - before;
      const { pauseBound = PAUSE_BOUND } = options;
      keeps(
        after <= pauseBound,
        `${counted(after, 'message')} came after pause, more than the ${pauseBound} that may`,
        PAUSES,
      );
      run.source.resume();
      await run.feedAll(story);
    }),
    add('gives nothing after it was closed', async (run, story) => {
      await run.open();
      await run.feedAll(story);
      await run.close();
      const before = run.messages.length;
      await run.feedAll(story);
      const after = run.messages.length - before;
      keeps(after === 0, `${counted(after, 'message')} came after close had ended`, CLOSES);
      await run.settleAll();
    }),
    add('closes without having been opened, and twice', async (run) => {
      await run.close();
      await run.close();
    }),
  ];
}

const FEEDS =
  'give the laws a feed, which makes what the source reads of have the messages; open is done when nothing is missed';
const OPENS = 'begin to read in open: the pipeline calls it when all behind the source is ready';
const PAUSES = 'stop reading in pause, until resume: without that the memory of the gateway is filled';
const CLOSES = 'cancel timers and subscriptions in close, and check in callbacks whether it was called';

/** A source in use. */
class SourceRun {
  readonly source: Source;
  readonly messages: Message[] = [];
  private readonly given: unknown[] = [];
  private readonly options: SourceLawOptions;
  private readonly gateway: LawGateway;
  private readonly subscription: Subscription;

  constructor(spec: SourceSpec, config: unknown, options: SourceLawOptions) {
    this.options = options;
    this.gateway = gatewayOf(options);
    this.source = makeComponent(spec, config, this.gateway.context);
    this.subscription = this.source.batches$.subscribe({
      next: (batch) => {
        this.given.push(batch);
        if (Array.isArray(batch?.messages)) this.messages.push(...batch.messages);
      },
      error: () => {},
    });
  }

  async open(): Promise<void> {
    await ending(this.source.open(), this.limits, 'open');
    // What connects by itself may do so now.
    await turn();
    await turn();
  }

  /** Feeds it, and lets all come that comes of it. */
  async feedAll(story: Story): Promise<void> {
    for (const contents of story) {
      if (this.options.feed !== undefined) this.options.feed(contents, this.gateway);
      else this.gateway.feed(() => contents.map(messageOf));
      for (let turns = 0; turns < TURNS; turns += 1) {
        this.gateway.clock.advance(SECOND / TURNS);
        await turn();
      }
    }
  }

  checkBatches(): void {
    for (const batch of this.given)
      keeps(
        batch instanceof Batch && batch.messages.length > 0 && batch.messages.every((one) => one instanceof Message),
        `batches$ gave ${batch instanceof Batch ? 'a batch that is empty or has something else than messages' : String(batch)}`,
        'give new Batch([...]) of at least one Message',
      );
    for (const [at, message] of this.messages.entries())
      keeps(
        !message.isSettled,
        `message ${at + 1} was settled when it came`,
        'leave it to the pipeline to settle messages',
      );
    keeps(
      new Set(this.messages).size === this.messages.length,
      'the same message came twice',
      'make a new Message each time: one that is settled already is dropped',
    );
  }

  /** Every second one fails. */
  async settleAll(): Promise<void> {
    const failure = new TidegateError('TG_RECORD_REFUSED', 'refused by the law');
    for (const [at, message] of this.messages.entries()) {
      if (at % 2 === 0) message.ack();
      else message.nack(failure);
      this.source.settled?.(message);
    }
    await turn();
  }

  async close(): Promise<void> {
    await ending(this.source.close(), this.limits, 'close');
  }

  /** Ends it without any demands: how it closes is for laws of their own. */
  giveUp(): void {
    void this.source.close().catch(() => {});
    this.subscription.unsubscribe();
  }

  private get limits() {
    return { clock: this.gateway.clock, timeout: this.options.timeout ?? TIMEOUT };
  }
}

function messageOf({ payload, ...rest }: MessageContent): Message {
  return new Message(Buffer.from(payload), rest);
}
