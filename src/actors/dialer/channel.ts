import type { TidegateError } from '../../core/errors.ts';
import { parseAsWritten } from '../../core/exact-number.ts';
import { Message, type Meta, type SettleTarget } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import type { RemoteUrl } from '../../sdk/handshake.ts';
import { Dialer, type DialerHandler } from './dialer.ts';
import { Duplicates } from './duplicates.ts';
import type { FeedOptions } from './feed-options.ts';
import { RemoteFigures } from './figures.ts';
import type { IdWindow } from './id-window.ts';
import type { Entry } from './in-order.ts';
import { Progress } from './progress.ts';
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

/** What tells a channel from the others of its feed. */
export interface ChannelIdentity {
  readonly url: RemoteUrl;
  /** The URL as it may be shown; different for each channel. */
  readonly name: string;
  /** From 0 on. */
  readonly number: number;
}

const NOT_RUNNING = 'the feed was not running';

/** One URL of a feed: makes messages of its frames, and knows what became of them. Outlives its connections. */
export class Channel implements DialerHandler, SettleTarget {
  readonly name: string;
  readonly number: number;
  readonly figures: RemoteFigures;
  /** What is dropped as a duplicate of its own messages. */
  readonly duplicates: Duplicates;
  /** Messages that came and are not settled. */
  unsettled = 0;
  private readonly home: FeedHome;
  private readonly url: RemoteUrl;
  private readonly metas: { readonly text: Meta; readonly binary: Meta };
  private readonly progress: Progress;
  private dialer: Dialer | undefined;
  private count = 0;
  /** Which of its connections it is. */
  private connection = 0;
  private hasBeenLive = false;
  private silence: { readonly from: number; readonly reason: string } | undefined;
  /** Settled too late, as the gateway stopped. */
  private stopped = 0;
  /** Messages whose pipeline broke, for the next one. */
  private again: Message[] = [];

  constructor(home: FeedHome, { url, name, number }: ChannelIdentity) {
    const { path, stats, clock, logger } = home.options;
    this.home = home;
    this.url = url;
    this.name = name;
    this.number = number;
    this.figures = new RemoteFigures(stats, path, name);
    this.figures.watch(() => this.dialer?.isLive ?? false);
    this.duplicates = new Duplicates({ path, name, clock, logger });
    this.metas = { text: { url: name, binary: false }, binary: { url: name, binary: true } };
    this.progress = new Progress({
      feed: home.options,
      name,
      ids: home.ids,
      stored: (message, connection) => this.acknowledge(message, connection),
    });
  }

  /** For those who handle a message of the server that failed. */
  get shownUrl(): string {
    return this.name;
  }

  get state(): string {
    return this.dialer?.state ?? 'closed';
  }

  get trouble(): string | undefined {
    return this.dialer?.trouble;
  }

  /** Looks up where an earlier run of the feed ended. */
  async load(signal: AbortSignal): Promise<void> {
    const position = await this.progress.load(signal);
    if (position !== undefined) this.silence = { from: position.heardAt, reason: NOT_RUNNING };
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
    this.duplicates.stop();
    // A server that is slow to say goodbye must not cost the cursor: a gateway that stops has little time left.
    await Promise.all([dialer?.close(), this.progress.flush()]);
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
    this.progress.dropped(message, reason);
    this.home.settled();
  }

  // --- from the connection

  /** Where the server is asked to go on. */
  lastCursor(): unknown {
    const { cursor } = this.progress;
    return cursor === undefined ? undefined : parseAsWritten(cursor);
  }

  live(): void {
    this.hasBeenLive = true;
    this.duplicates.live();
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
    this.home.arrived(message, this.progress.enter(message, this.connection), this);
  }

  pong(): void {}

  lost({ reason }: RemoteEnd, heardAt: number): void {
    // What was acknowledged by the server's own numbers of that connection means nothing in the next one.
    this.connection += 1;
    this.duplicates.lost();
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
    } else {
      if (failure === null) this.figures.settled.value += 1;
      this.progress.settled(message, failure);
    }
    this.home.settled();
  }

  // --- within

  /** The answer to a message, on the connection that it came by: another one knows nothing of it. */
  private acknowledge(message: Message, connection: number): void {
    const { ack } = this.home.options.settings;
    if (ack === undefined || connection !== this.connection) return;
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
      headers,
      meta,
      timestamp,
      target: this,
      token,
      ...(trace === undefined ? {} : { trace }),
    });
  }

  /** It is hung up on purpose; nothing was missed before that. */
  private heardUntil(now: number): void {
    this.silence = { from: now, reason: NOT_RUNNING };
    if (this.unsettled === 0) this.progress.heardUntil(now);
  }

  private endSilence(): void {
    const { silence } = this;
    if (silence === undefined) return;
    this.silence = undefined;
    const { clock, settings } = this.home.options;
    const { from, reason } = silence;
    const to = Math.max(from, clock.now());
    const isResumed = this.progress.cursor !== undefined && settings.resume !== undefined;
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
