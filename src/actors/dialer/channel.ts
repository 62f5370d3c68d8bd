import type { TidegateError } from '../../core/errors.ts';
import { Message, type Meta, type SettleTarget } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import { CursorKeeper } from './cursor-keeper.ts';
import type { FeedPosition } from './cursor-store.ts';
import { Dialer, type DialerHandler } from './dialer.ts';
import type { FeedOptions } from './feed-options.ts';
import { RemoteFigures } from './figures.ts';
import type { IdWindow } from './id-window.ts';
import { type Entry, InOrder } from './in-order.ts';
import type { Silence } from './silence.ts';

/** What the channels of a feed have in common. */
export interface FeedHome {
  readonly options: FeedOptions;
  /** Ids of all channels; none where nothing is told apart by id. */
  readonly ids: IdWindow | undefined;
  /** Whether messages outlive the turn that they came in. */
  readonly isHolding: boolean;
  /** Whether nobody will settle what comes now. */
  readonly isOver: boolean;
  arrived(message: Message, entry: Entry | undefined, channel: Channel): void;
  /** A message is settled, or needs it no more. */
  settled(): void;
  silenceEnded(silence: Silence, channel: Channel): void;
  failed(failure: TidegateError): void;
}

/** One URL of a feed: makes messages of its frames, and knows what became of them. Outlives its connections. */
export class Channel implements DialerHandler, SettleTarget {
  /** The URL as it may be shown; different for each channel. */
  readonly name: string;
  readonly figures: RemoteFigures;
  /** Messages that came and are not settled. */
  unsettled = 0;
  private readonly home: FeedHome;
  private readonly url: string;
  private readonly metas: { readonly text: Meta; readonly binary: Meta };
  /** Only where the order of settling matters. */
  private readonly order: InOrder | undefined;
  private readonly keeper: CursorKeeper | undefined;
  private dialer: Dialer | undefined;
  private count = 0;
  private connection = 0;
  private isLoaded = false;
  private hasBeenLive = false;
  /** Of the last message that came; where to go on within this process. */
  private cursor: unknown;
  private position: FeedPosition = { heardAt: 0 };
  private silence: { readonly from: number; readonly reason: string } | undefined;
  /** Settled too late, as the gateway stopped. */
  private stopped = 0;
  /** Messages whose pipeline broke, for the next one. */
  private again: Message[] = [];

  constructor(home: FeedHome, url: string, name: string) {
    const { path, settings, stats, clock, logger, cursors } = home.options;
    const { resume, ack, dedupe, gap } = settings;
    this.home = home;
    this.url = url;
    this.name = name;
    this.figures = new RemoteFigures(stats, path, name);
    this.figures.watch(() => this.dialer?.isLive ?? false);
    this.metas = { text: { url: name, binary: false }, binary: { url: name, binary: true } };
    this.order = (resume ?? ack ?? dedupe) ? new InOrder() : undefined;
    if (resume !== undefined || gap !== undefined)
      this.keeper = new CursorKeeper({ store: cursors(resume?.topic), feed: `${path} ${name}`, clock, logger });
  }

  get state(): string {
    return this.dialer?.state ?? 'closed';
  }

  get trouble(): string | undefined {
    return this.dialer?.trouble;
  }

  /** Looks up where an earlier run of the feed ended. */
  async load(signal: AbortSignal): Promise<void> {
    if (this.isLoaded || this.keeper === undefined) return;
    const position = await this.keeper.load(signal);
    if (signal.aborted) return;
    this.isLoaded = true;
    if (position === undefined) return;
    this.position = position;
    this.cursor = position.cursor;
    this.silence = { from: position.heardAt, reason: 'the feed was not running' };
  }

  open(): void {
    const { settings, connect, clock, logger } = this.home.options;
    const { url, name, figures } = this;
    const resume = settings.resume?.message;
    this.dialer = new Dialer({ url, name, settings, resume, connect, clock, logger, figures, handler: this });
    this.dialer.open();
  }

  pause(): void {
    this.dialer?.pause();
  }

  resume(): void {
    this.dialer?.resume();
  }

  /** Reads nothing more, whatever comes. */
  stopReading(): void {
    this.dialer?.pause({ forGood: true });
  }

  /** Hangs up and saves how far it came. */
  async close(): Promise<void> {
    const { dialer } = this;
    this.dialer = undefined;
    if (dialer?.isLive) this.heardUntil(this.home.options.clock.now());
    // A server that is slow to say goodbye must not cost the cursor: a gateway that stops has little time left.
    await Promise.all([dialer?.close(), this.keeper?.flush()]);
    this.report();
  }

  /** Messages that an earlier pipeline did not get done, oldest first. */
  takeAgain(): Message[] {
    return this.again.splice(0).sort((a, b) => a.token - b.token);
  }

  /** There is no pipeline at the moment. */
  keep(message: Message): void {
    this.again.push(message);
  }

  /** A message goes no further. */
  drop(message: Message, reason: 'overflow' | 'duplicate'): void {
    this.figures.dropped(reason);
    this.unsettled -= 1;
    const entry = this.order?.find(message.token);
    if (entry !== undefined) {
      entry.outcome = reason === 'duplicate' ? 'duplicate' : 'passed';
      if (reason === 'overflow' && entry.id !== undefined) this.home.ids?.forget(entry.id);
      this.advance();
    }
    this.home.settled();
  }

  // --- from the connection

  /** Where the server is asked to go on. */
  lastCursor(): unknown {
    return this.cursor;
  }

  live(): void {
    this.hasBeenLive = true;
    this.home.options.fares?.(this.name, undefined);
    this.endSilence();
  }

  frame(data: Buffer, binary: boolean): void {
    const { options, isHolding, isOver } = this.home;
    // It was still being unpacked when reading ended; a server that can will be asked for it again.
    if (isOver) return;
    this.endSilence();
    this.figures.received.value += 1;
    this.figures.receivedBytes.value += data.length;
    this.unsettled += 1;
    this.count += 1;
    const message = new Message(isHolding ? Buffer.from(data) : data, {
      meta: binary ? this.metas.binary : this.metas.text,
      timestamp: options.clock.now(),
      target: this,
      token: this.count,
    });
    options.tracing.received(message, options.path, '', undefined);
    this.home.arrived(message, this.order === undefined ? undefined : this.enter(message, this.order), this);
  }

  pong(): void {}

  lost({ reason }: RemoteEnd, heardAt: number): void {
    // What was acknowledged by the server's own numbers of that connection means nothing in the next one.
    this.connection += 1;
    if (this.hasBeenLive) this.silence ??= { from: heardAt, reason };
    this.home.options.fares?.(this.name, reason);
  }

  failed(failure: TidegateError): void {
    this.home.failed(failure);
  }

  // --- from the pipeline

  settled(message: Message, failure: TidegateError | null): void {
    if (failure?.code === 'TG_FLOW_FAILED') {
      this.again.push(this.renewed(message.source ?? message));
      return;
    }
    this.unsettled -= 1;
    if (failure?.code === 'TG_STOPPING' || failure?.next === 'wait') {
      this.stopped += 1;
      this.figures.dropped('unsettled');
    } else this.done(message, failure);
    this.home.settled();
  }

  // --- within

  private done(message: Message, failure: TidegateError | null): void {
    if (failure === null) this.figures.settled.value += 1;
    const entry = this.order?.find(message.token);
    if (entry === undefined) {
      if (this.order === undefined) this.moved(message.timestamp, undefined);
      return;
    }
    entry.outcome = failure === null ? 'settled' : 'passed';
    if (entry.id !== undefined) {
      if (failure === null) this.home.ids?.settle(entry.id);
      else this.home.ids?.forget(entry.id);
    }
    this.advance();
  }

  private enter(message: Message, order: InOrder): Entry {
    const { resume, dedupe } = this.home.options.settings;
    const entry: Entry = {
      message,
      connection: this.connection,
      outcome: 'open',
      cursor: undefined,
      id: undefined,
      pending: 0,
    };
    order.enter(entry);
    if (resume !== undefined)
      this.evaluate(entry, resume.cursor, (value) => {
        entry.cursor = value;
        if (value !== undefined && value !== null) this.cursor = value;
      });
    if (dedupe !== undefined)
      this.evaluate(entry, dedupe.id, (value) => {
        if (value !== undefined && value !== null)
          entry.id = typeof value === 'object' ? JSON.stringify(value) : String(value);
      });
    return entry;
  }

  /** A message of which the expression makes nothing, such as one that is not JSON, has no value. */
  private evaluate(
    entry: Entry,
    expression: { evaluate(message: Message): unknown },
    take: (value: unknown) => void,
  ): void {
    let value: unknown;
    try {
      value = expression.evaluate(entry.message);
    } catch {
      return;
    }
    if (!(value instanceof Promise)) {
      take(value);
      return;
    }
    entry.pending += 1;
    const ready = (result: unknown) => {
      entry.pending -= 1;
      take(result);
      this.advance();
    };
    value.then(ready, () => ready(undefined));
  }

  private advance(): void {
    for (let entry = this.order?.take(); entry !== undefined; entry = this.order?.take()) {
      this.moved(entry.message.timestamp, entry.cursor);
      this.acknowledge(entry);
    }
  }

  private moved(heardAt: number, cursor: unknown): void {
    this.position = { cursor: cursor ?? this.position.cursor, heardAt: Math.max(heardAt, this.position.heardAt) };
    this.keeper?.moved(this.position);
  }

  /** The answer to a message, on the connection that it came by: another one knows nothing of it. */
  private acknowledge({ message, outcome, id, connection }: Entry): void {
    const { ack } = this.home.options.settings;
    const isStored =
      outcome === 'settled' || (outcome === 'duplicate' && id !== undefined && this.home.ids?.isSettled(id));
    if (ack === undefined || !isStored || connection !== this.connection) return;
    try {
      const text = ack.message(message);
      if (text !== undefined) this.dialer?.send({ data: text, binary: false });
    } catch {
      // A message of which no answer can be made, such as one that is not JSON, asks for none.
    }
  }

  /** The same message, to be settled once more. */
  private renewed({ payload, headers, meta, timestamp, token, trace }: Message): Message {
    return new Message(Buffer.from(payload), {
      ...(headers === undefined ? {} : { headers }),
      meta,
      timestamp,
      target: this,
      token,
      ...(trace === undefined ? {} : { trace }),
    });
  }

  /** It is hung up on purpose; nothing was missed before that. */
  private heardUntil(now: number): void {
    this.silence = { from: now, reason: 'the feed was not running' };
    if (this.unsettled === 0) this.moved(now, undefined);
  }

  private endSilence(): void {
    const { silence } = this;
    if (silence === undefined) return;
    this.silence = undefined;
    const { clock, settings } = this.home.options;
    const { from, reason } = silence;
    const to = Math.max(from, clock.now());
    const isResumed = this.cursor !== undefined && settings.resume !== undefined;
    this.figures.silent(to - from);
    this.home.silenceEnded({ url: this.name, from, to, reason, isResumed }, this);
  }

  private report(): void {
    const { logger } = this.home.options;
    const { stopped, again, name } = this;
    if (stopped > 0)
      logger.warn(
        { url: name, messages: stopped },
        `${stopped} messages of ${name} were read and are not known to be stored, as the gateway stops`,
      );
    if (again.length > 0)
      logger.warn(
        { url: name, messages: again.length },
        `${again.length} messages of ${name} wait for their pipeline to start again`,
      );
    this.stopped = 0;
  }
}
