import { Subject } from 'rxjs';
import {
  asTidegateError,
  Batch,
  type Clock,
  type ContextWith,
  defineSource,
  type Expression,
  evaluateTemplate,
  field,
  Message,
  type Source,
  type TemplateValue,
  TidegateError,
  together,
  writeJson,
  z,
} from '../../sdk/index.ts';

/** Messages of one turn of the event loop where there is no interval. */
const TURN = 100;

const settings = z.strictObject({
  payload: field
    .value()
    .describe('Payload: text as it is, anything else as JSON. Texts in it may have "${! }" in them.'),
  key: field.expression().optional().describe('Key of the message; no value: no key.'),
  interval: z
    .preprocess((value) => (value === 0 || value === '0' ? '0ms' : value), field.duration())
    .default(1_000)
    .describe('Time between two batches; 0: as fast as the sink takes them.'),
  batch: field.integer({ min: 1, max: 10_000 }).default(1).describe('Messages that are made at a time.'),
  count: field.integer().default(0).describe('Messages in total, since the gateway started; 0: without end.'),
});

type Settings = z.output<typeof settings>;

export const generateSource = defineSource({
  name: 'generate',
  summary: 'Messages that are made here, for demonstrations and load tests.',
  description:
    '`meta.number` counts the messages from 1. While the pipeline is paused none are made, and those of that time are not made later. A message that fails is not made again. Every gateway makes its own. A message whose expression fails becomes a dead letter, where there is a topic for them.',
  config: settings,
  examples: [
    { payload: { device: '${! meta.number }', temperature: '${! 20 + $random() * 5 }' }, interval: '1s' },
    { payload: 'x', interval: '0ms', count: 1_000_000 },
  ],
  sharing: () => 'own',
  meta: ['number'],
  needs: ['tracing'],
  create: (config, context) => new GeneratedSource(config, context),
});

class GeneratedSource implements Source {
  readonly batches$ = new Subject<Batch>();
  private readonly settings: Settings;
  private readonly context: ContextWith<'tracing'>;
  private readonly clock: Clock;
  private made = 0;
  private isRunning = false;
  /** A batch is being made, and the next one follows it. */
  private isMaking = false;
  private cancel: (() => void) | undefined;

  constructor(config: Settings, context: ContextWith<'tracing'>) {
    this.settings = config;
    this.context = context;
    this.clock = context.clock;
  }

  async open(): Promise<void> {
    this.resume();
  }

  pause(): void {
    this.isRunning = false;
    this.cancel?.();
    this.cancel = undefined;
  }

  resume(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    if (!this.isMaking) this.wait();
  }

  async close(): Promise<void> {
    this.pause();
  }

  private wait(): void {
    const { interval, count } = this.settings;
    if (!this.isRunning || (count > 0 && this.made >= count)) return;
    if (interval > 0) {
      this.cancel = this.clock.after(interval, () => this.make());
      return;
    }
    const immediate = setImmediate(() => this.make());
    this.cancel = () => clearImmediate(immediate);
  }

  private make(): void {
    this.cancel = undefined;
    this.isMaking = true;
    const { batch, count, interval } = this.settings;
    const wanted = interval === 0 ? Math.max(batch, TURN) : batch;
    const length = count === 0 ? wanted : Math.min(wanted, count - this.made);
    const messages = Array.from({ length }, () => {
      this.made += 1;
      return this.message(this.made);
    });
    const done = together(messages, (ready) => this.emit(ready as Message[]));
    if (done instanceof Promise) void done;
  }

  private emit(messages: Message[]): void {
    for (const message of messages) this.context.gateway.tracing.received(message, this.context.path, '', undefined);
    this.batches$.next(new Batch(messages));
    this.isMaking = false;
    this.wait();
  }

  /** Never throws and never rejects: a message that cannot be made is one that is refused. */
  private message(number: number): Message | Promise<Message> {
    const { payload, key } = this.settings;
    const timestamp = this.clock.now();
    const meta = { number };
    const draft = new Message(Buffer.alloc(0), { meta, timestamp });
    const build = ([value, keyText]: readonly unknown[]) =>
      new Message(payloadOf(value), { meta, timestamp, key: (keyText as string | undefined) ?? null });
    const refused = (error: unknown) => {
      draft.refusal = asTidegateError(error, 'TG_EXPRESSION_FAILED');
      return draft;
    };
    try {
      const made = together(valuesOf(payload, key, draft), build);
      return made instanceof Promise ? made.catch(refused) : made;
    } catch (error) {
      return refused(error);
    }
  }
}

function valuesOf(payload: TemplateValue, key: Expression | undefined, draft: Message): readonly unknown[] {
  return [evaluateTemplate(payload, draft), key?.evaluateText(draft)];
}

function payloadOf(value: unknown): Buffer {
  if (value === undefined) throw new TidegateError('TG_EXPRESSION_FAILED', 'payload gives no value');
  return Buffer.from(typeof value === 'string' ? value : (writeJson(value) ?? 'null'));
}
