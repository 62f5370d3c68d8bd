import { defer, type Observable, Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { FeedContext } from '../context/feed-context.ts';
import { gapRecord, type Outage, reportOutage } from '../gaps/outage.ts';
import { Backlog } from '../queues/backlog.ts';
import { OverflowBuffer } from '../queues/overflow-buffer.ts';
import { dropAlarm } from '../reports/drop-alarm.ts';
import type { RepeatedWarning } from '../reports/repeated-warning.ts';
import { type ConnectionStatus, StatusLine } from '../reports/status-line.ts';
import { nameOf } from '../request/named-host.ts';
import { IdWindow } from '../resume/id-window.ts';
import type { Entry } from '../resume/in-order.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import type { Channel, ChannelOwner } from './channel.ts';
import { ChannelSet } from './channel-set.ts';

/** Messages per batch when buffered messages are handed over. */
const BATCH = 500;

/** A message that has not been handed over yet. */
interface Arrival {
  readonly message: Message;
  readonly entry: Entry | undefined;
  readonly channel: Channel;
  /** Whether JSONata was needed for it. */
  readonly isLate: boolean;
}

/**
 * The messages of one or several WebSocket servers as a source. Frames of one turn of the event loop form a batch. A
 * message that was read is settled, or kept for the next pipeline if this one fails, or counted and logged as dropped.
 */
export class Feed implements Source, ChannelOwner {
  readonly batches$: Observable<Batch>;
  readonly settings: FeedSettings;
  readonly context: FeedContext;
  readonly ids: IdWindow | undefined;
  private readonly channels: ChannelSet;
  private readonly buffer: OverflowBuffer<Arrival> | undefined;
  private readonly status: StatusLine;
  private readonly alarm: RepeatedWarning;
  /** A new one for each pipeline. */
  private out = new Subject<Batch>();
  private arrivals: Arrival[] = [];
  private isScheduled = false;
  private isPaused = false;
  private isDraining = false;
  /** While it drains: whether all messages that were received have arrived. */
  private isDecided = false;
  private whenHandedOver: () => void = () => {};
  /** Messages that wait for values of `dedupe`, `resume` and `sequence`, and records of gaps that are not stored yet. */
  readonly backlog = new Backlog({ full: () => this.fellBehind(), drained: () => this.caughtUp() });
  private isBehind = false;
  private failure: TidegateError | undefined;
  private opening = new AbortController();

  constructor(settings: FeedSettings, context: FeedContext) {
    const { overflow, buffer, dedupe } = settings;
    this.settings = settings;
    this.context = context;
    this.batches$ = defer(() => this.out);
    this.ids = dedupe === undefined ? undefined : new IdWindow(dedupe, context.clock);
    this.buffer = overflow === 'pause' ? undefined : new OverflowBuffer(buffer, overflow);
    this.channels = new ChannelSet(this, namesOf(settings));
    this.status = new StatusLine(this.channels.statuses, context);
    this.alarm = dropAlarm(overflow, context);
  }

  /** Resolves when the saved cursors are loaded and the servers are being dialled, whether they can be reached or not. */
  async open(): Promise<void> {
    this.opening = new AbortController();
    const { signal } = this.opening;
    this.isPaused = false;
    this.isDraining = false;
    this.failure = undefined;
    await this.channels.load(signal);
    if (signal.aborted) return;
    this.emit(this.channels.all.flatMap((channel) => channel.takeAgain().map((message) => ({ message, channel }))));
    this.channels.open();
    if (this.isBehind) this.channels.pause();
    this.status.start();
  }

  /** The state of its connections, for each URL. */
  get connections(): readonly ConnectionStatus[] {
    return this.channels.statuses;
  }

  get isBuffering(): boolean {
    return this.isPaused && this.buffer !== undefined;
  }

  get isOver(): boolean {
    return this.isDraining && !this.out.observed;
  }

  pause(): void {
    this.isPaused = true;
    if (this.buffer === undefined) this.channels.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (this.isDraining) return;
    this.release();
    if (!this.isPaused && !this.isBehind) this.channels.resume();
  }

  /**
   * Hands over what was read and stops reading. Answers are sent until it is closed. Messages that wait for JSONata were read,
   * too: the result resolves when they are handed over.
   */
  drain(): Promise<void> | undefined {
    this.isDraining = true;
    this.isDecided = false;
    this.channels.stopReading();
    this.channels.whenDecided(() => {
      this.isDecided = true;
      this.flush();
    });
    this.flush();
    this.release();
    if (this.isHandedOver) return undefined;
    return new Promise((resolve) => {
      this.whenHandedOver = resolve;
    });
  }

  async close(): Promise<void> {
    this.opening.abort();
    this.flush();
    for (const { message, channel } of this.buffered(Number.POSITIVE_INFINITY)) channel.keep(message);
    this.alarm.stop();
    this.status.stop();
    await this.channels.close();
  }

  // --- from the channels

  arrived(message: Message, entry: Entry | undefined, channel: Channel): void {
    const isLate = entry !== undefined && entry.pending > 0;
    this.arrivals.push({ message, entry, channel, isLate });
    if (isLate) this.backlog.add(message.size);
    this.flushLater();
  }

  settled(): void {
    if (this.failure === undefined || this.channels.all.some(({ unsettled }) => unsettled > 0)) return;
    const broken = this.out;
    const { failure } = this;
    this.failure = undefined;
    this.out = new Subject();
    broken.error(failure);
  }

  outageEnded(outage: Outage, channel: Channel): void {
    const { gap } = this.settings;
    reportOutage(outage, gap, this.context, this.backlog);
    if (gap?.record !== true) return;
    channel.unsettled += 1;
    this.arrived(gapRecord(outage, channel), undefined, channel);
  }

  /** The pipeline receives the failure once everything that was read is settled. */
  failed(failure: TidegateError): void {
    this.failure ??= failure;
    void this.drain();
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

  private fellBehind(): void {
    this.isBehind = true;
    if (!this.isDraining) this.channels.pause();
  }

  private caughtUp(): void {
    this.isBehind = false;
    if (!this.isDraining && (!this.isPaused || this.buffer !== undefined)) this.channels.resume();
  }

  /** Hands over the messages that arrived, or buffers them while the pipeline is congested. */
  private flush(): void {
    // Ids that need JSONata are usually evaluated by now; messages behind one that is not wait for the next turn.
    const unready = this.arrivals.findIndex(({ entry }) => entry !== undefined && entry.pending > 0);
    const ready = unready < 0 ? this.arrivals : this.arrivals.slice(0, unready);
    this.arrivals = unready < 0 ? [] : this.arrivals.slice(unready);
    if (unready >= 0) this.flushLater();
    for (const { message, isLate } of ready) if (isLate) this.backlog.remove(message.size);
    const fresh = this.isSorting ? this.sorted(ready) : ready;
    if (this.isBuffering && !this.isDraining) this.keep(fresh);
    else this.emit(fresh);
    if (this.isHandedOver) this.whenHandedOver();
  }

  /** Whether nothing that was read is left here, now that it drains. */
  private get isHandedOver(): boolean {
    return this.isDraining && this.isDecided && this.arrivals.length === 0;
  }

  private get isSorting(): boolean {
    return this.settings.dedupe !== undefined || this.settings.sequence !== undefined;
  }

  /** The records that did not come before, each behind the record of a gap that it shows. */
  private sorted(ready: readonly Arrival[]): Arrival[] {
    const fresh: Arrival[] = [];
    for (const arrival of ready) {
      const { message, entry, channel } = arrival;
      const standing = entry?.id === undefined ? 'new' : (this.ids?.add(entry.id, channel.number) ?? 'new');
      // A server that repeats a message does not go back; what another one has sent first is in the sequence of this one.
      const record = entry === undefined || standing === 'repetition' ? undefined : channel.sequences?.take(entry);
      if (record !== undefined) {
        channel.unsettled += 1;
        fresh.push({ message: record, entry: undefined, channel, isLate: false });
      }
      if (entry?.isRecord === false) continue;
      if (standing === 'new') fresh.push(arrival);
      else {
        if (standing === 'repetition') this.repeated(arrival);
        channel.drop(message, 'duplicate');
      }
    }
    return fresh;
  }

  /** Copies of other servers are expected, and so are repetitions by a server that waits for an answer. */
  private repeated({ entry, channel }: Arrival): void {
    const isAnswerDue = this.settings.ack !== undefined && entry?.id !== undefined && !this.ids?.isSettled(entry.id);
    if (!isAnswerDue) channel.duplicates.dropped();
  }

  private keep(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      for (const { message, channel } of this.buffer?.push(arrival) ?? []) {
        channel.drop(message, 'overflow');
        this.alarm.happened();
      }
    }
  }

  /** Hands over buffered messages until the pipeline is congested again. */
  private release(): void {
    while (!this.isPaused || this.isDraining) {
      const some = this.buffered(BATCH);
      if (some.length === 0) return;
      this.emit(some);
    }
  }

  private buffered(max: number): Pick<Arrival, 'message' | 'channel'>[] {
    return this.buffer?.take(max) ?? [];
  }

  private emit(arrivals: readonly Pick<Arrival, 'message' | 'channel'>[]): void {
    if (arrivals.length === 0) return;
    if (this.out.observed) this.out.next(new Batch(arrivals.map(({ message }) => message)));
    else for (const { message, channel } of arrivals) channel.keep(message);
  }
}

/** URLs that look the same without their secrets are numbered. */
function namesOf({ url: urls, prepare }: Pick<FeedSettings, 'url' | 'prepare'>): string[] {
  const shown = urls.map((url) => nameOf(url, prepare));
  return shown.map((name, at) => {
    const before = shown.slice(0, at).filter((other) => other === name).length;
    return before === 0 ? name : `${name} #${before + 1}`;
  });
}
