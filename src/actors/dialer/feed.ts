import { defer, type Observable, Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { displayUrl } from '../../core/secrets.ts';
import type { RemoteUrl } from '../../sdk/handshake.ts';
import { Channel, type FeedHome } from './channel.ts';
import { dropAlarm } from './drop-alarm.ts';
import type { FeedOptions } from './feed-options.ts';
import { Holding } from './holding.ts';
import { IdWindow } from './id-window.ts';
import type { Entry } from './in-order.ts';
import type { RepeatedWarning } from './repeated-warning.ts';
import { describeSilence, gapRecord, type Silence } from './silence.ts';
import { type ConnectionStatus, StatusLine } from './status-line.ts';

/** Messages of one batch, where more than that wait. */
const BATCH = 500;

/** A message that has not been handed on yet. */
interface Arrival {
  readonly message: Message;
  readonly entry: Entry | undefined;
  readonly channel: Channel;
}

/**
 * The messages of one or several WebSocket servers as a source. Frames of one turn form a batch. What was read is either
 * settled, or kept for the next pipeline if this one breaks, or counted and logged.
 */
export class Feed implements Source, FeedHome {
  readonly batches$: Observable<Batch>;
  readonly options: FeedOptions;
  readonly ids: IdWindow | undefined;
  private readonly channels: readonly Channel[];
  private readonly holding: Holding<Arrival> | undefined;
  private readonly status: StatusLine;
  private readonly alarm: RepeatedWarning;
  /** One pipeline after another. */
  private out = new Subject<Batch>();
  private arrivals: Arrival[] = [];
  private isScheduled = false;
  private isHeld = false;
  private isDraining = false;
  private failure: TidegateError | undefined;
  private opening = new AbortController();

  constructor(options: FeedOptions) {
    const { settings, clock, logger, path } = options;
    const { overflow, buffer, dedupe, url } = settings;
    this.options = options;
    this.batches$ = defer(() => this.out);
    this.ids = dedupe === undefined ? undefined : new IdWindow({ size: dedupe.window, within: dedupe.within, clock });
    this.holding = overflow === 'pause' ? undefined : new Holding({ ...buffer, whenFull: overflow });
    this.channels = namesOf(url).map((name, at) => new Channel(this, { url: url[at] as RemoteUrl, name, number: at }));
    this.status = new StatusLine({ path, channels: this.channels, clock, logger });
    this.alarm = dropAlarm({ path, overflow, clock, logger });
  }

  /** Resolves when it is known where to go on and the servers are being dialled; one that is away keeps nobody waiting. */
  async open(): Promise<void> {
    this.opening = new AbortController();
    const { signal } = this.opening;
    this.isHeld = false;
    this.isDraining = false;
    this.failure = undefined;
    await Promise.all(this.channels.map((channel) => channel.load(signal)));
    if (signal.aborted) return;
    this.emit(this.channels.flatMap((channel) => channel.takeAgain().map((message) => ({ message, channel }))));
    for (const channel of this.channels) channel.open();
    this.status.start();
  }

  /** How its connections fare, one for each URL. */
  get connections(): readonly ConnectionStatus[] {
    return this.channels;
  }

  get isHolding(): boolean {
    return this.isHeld && this.holding !== undefined;
  }

  get isOver(): boolean {
    return this.isDraining && !this.out.observed;
  }

  pause(): void {
    this.isHeld = true;
    if (this.holding === undefined) for (const channel of this.channels) channel.pause();
  }

  resume(): void {
    this.isHeld = false;
    if (this.isDraining) return;
    this.release();
    if (!this.isHeld) for (const channel of this.channels) channel.resume();
  }

  /** Hands over what was read and reads no more. Answers still go out until it is closed. */
  drain(): void {
    this.isDraining = true;
    for (const channel of this.channels) channel.stopReading();
    this.flush();
    this.release();
  }

  async close(): Promise<void> {
    this.opening.abort();
    this.flush();
    for (const { message, channel } of this.held(Number.POSITIVE_INFINITY)) channel.keep(message);
    this.alarm.stop();
    this.status.stop();
    await Promise.all(this.channels.map((channel) => channel.close()));
  }

  // --- from the channels

  arrived(message: Message, entry: Entry | undefined, channel: Channel): void {
    this.arrivals.push({ message, entry, channel });
    this.flushLater();
  }

  settled(): void {
    if (this.failure === undefined || this.channels.some(({ unsettled }) => unsettled > 0)) return;
    const broken = this.out;
    const { failure } = this;
    this.failure = undefined;
    this.out = new Subject();
    broken.error(failure);
  }

  silenceEnded(silence: Silence, channel: Channel): void {
    const { settings, logger, topic } = this.options;
    logger.warn({ url: silence.url, from: silence.from, to: silence.to }, describeSilence(silence));
    if (settings.gap?.record === true) {
      channel.unsettled += 1;
      this.arrived(gapRecord(silence, channel), undefined, channel);
    }
    if (settings.gap?.topic === undefined) return;
    const settled = (_: Message, failure: TidegateError | null) => {
      if (failure !== null)
        logger.error({ code: failure.code }, `a gap of ${silence.url} could not be recorded: ${failure.message}`);
    };
    topic(settings.gap.topic).write(new Batch([gapRecord(silence, { settled })]));
  }

  /** What was read is still settled before the pipeline hears of it. */
  failed(failure: TidegateError): void {
    this.failure ??= failure;
    this.drain();
    this.settled();
  }

  // --- within

  private flushLater(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  /** Hands on what has come, or puts it aside while the pipeline holds. */
  private flush(): void {
    // Ids that take JSONata are there by now, as it waits for nothing but itself; else the next turn has them.
    const unready = this.arrivals.findIndex(({ entry }) => entry !== undefined && entry.pending > 0);
    const ready = unready < 0 ? this.arrivals : this.arrivals.slice(0, unready);
    this.arrivals = unready < 0 ? [] : this.arrivals.slice(unready);
    if (unready >= 0) this.flushLater();
    const fresh = this.ids === undefined ? ready : ready.filter((arrival) => this.isNew(arrival));
    if (this.isHolding && !this.isDraining) this.putAside(fresh);
    else this.emit(fresh);
  }

  private isNew({ message, entry, channel }: Arrival): boolean {
    const { ids } = this;
    if (ids === undefined || entry?.id === undefined) return true;
    const standing = ids.add(entry.id, channel.number);
    if (standing === 'new') return true;
    // Several servers send the same, and one that waits for an answer repeats what it has none for.
    const isAsked = this.options.settings.ack !== undefined && !ids.isSettled(entry.id);
    if (standing === 'repetition' && !isAsked) channel.duplicates.dropped();
    channel.drop(message, 'duplicate');
    return false;
  }

  private putAside(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      for (const { message, channel } of this.holding?.push(arrival) ?? []) {
        channel.drop(message, 'overflow');
        this.alarm.happened();
      }
    }
  }

  /** Hands on what was put aside, as far as the pipeline takes it. */
  private release(): void {
    while (!this.isHeld || this.isDraining) {
      const some = this.held(BATCH);
      if (some.length === 0) return;
      this.emit(some);
    }
  }

  private held(most: number): Pick<Arrival, 'message' | 'channel'>[] {
    return this.holding?.take(most) ?? [];
  }

  private emit(arrivals: readonly Pick<Arrival, 'message' | 'channel'>[]): void {
    if (arrivals.length === 0) return;
    if (this.out.observed) this.out.next(new Batch(arrivals.map(({ message }) => message)));
    else for (const { message, channel } of arrivals) channel.keep(message);
  }
}

/** Two URLs that differ in what may not be shown get a number. */
function namesOf(urls: readonly RemoteUrl[]): string[] {
  const shown = urls.map(({ text }) => displayUrl(text));
  return shown.map((name, at) => {
    const before = shown.slice(0, at).filter((other) => other === name).length;
    return before === 0 ? name : `${name} #${before + 1}`;
  });
}
