import type { Meta } from '../core/content.ts';
import type { TidegateError } from '../core/errors.ts';
import { parseAsWritten } from '../core/exact-number.ts';
import { Message, type SettleTarget } from '../core/message.ts';
import type { RemoteEnd } from '../core/remote.ts';
import type { ConnectUrl } from '../sdk/connect-url.ts';
import { Dialer, type DialerHandler } from './dialer.ts';
import { Duplicates } from './duplicates.ts';
import type { FeedContext } from './feed-context.ts';
import type { IdWindow } from './id-window.ts';
import type { Entry } from './in-order.ts';
import { RemoteMetrics } from './metrics.ts';
import { type Outage, OutageWatch } from './outage.ts';
import { Progress } from './progress.ts';
import type { FeedSettings } from './source-settings.ts';
import type { ConnectionStatus } from './status-line.ts';

/** The feed of a channel. */
export interface ChannelOwner {
  readonly settings: FeedSettings;
  readonly context: FeedContext;
  /** Ids of all channels; undefined without `dedupe`. */
  readonly ids: IdWindow | undefined;
  /** Whether messages outlive the turn of the event loop in which they arrive. */
  readonly isBuffering: boolean;
  /** Whether messages that arrive from now on would not be settled. */
  readonly isOver: boolean;
  arrived(message: Message, entry: Entry | undefined, channel: Channel): void;
  /** A message is settled, or was dropped. */
  settled(): void;
  outageEnded(outage: Outage, channel: Channel): void;
  failed(failure: TidegateError): void;
}

/** What distinguishes a channel from the others of its feed. */
export interface ChannelIdentity {
  readonly url: ConnectUrl;
  /** The URL as it may be shown; different for each channel. */
  readonly name: string;
  /** From 0. */
  readonly number: number;
}

const NOT_RUNNING = 'the feed was not running';

/** One URL of a feed: makes messages of its frames, and follows them until they are settled. Outlives its connections. */
export class Channel implements DialerHandler, SettleTarget, ConnectionStatus {
  readonly name: string;
  readonly number: number;
  readonly metrics: RemoteMetrics;
  /** Messages that are dropped as duplicates of its own earlier ones. */
  readonly duplicates: Duplicates;
  /** Messages that arrived and are not settled. */
  unsettled = 0;
  private readonly owner: ChannelOwner;
  private readonly url: ConnectUrl;
  private readonly metas: { readonly text: Meta; readonly binary: Meta };
  private readonly progress: Progress;
  private dialer: Dialer | undefined;
  private count = 0;
  /** The number of the current connection. */
  private connection = 0;
  private hasBeenLive = false;
  private readonly outages = new OutageWatch();
  /** Messages that could not be settled because the gateway stops. */
  private stopped = 0;
  /** Messages whose pipeline failed, for the next one. */
  private again: Message[] = [];

  constructor(owner: ChannelOwner, { url, name, number }: ChannelIdentity) {
    const { settings, context, ids } = owner;
    this.owner = owner;
    this.url = url;
    this.name = name;
    this.number = number;
    this.metrics = new RemoteMetrics(name, context);
    this.metrics.watch(() => this.dialer?.isLive ?? false);
    this.duplicates = new Duplicates(name, context);
    this.metas = { text: { url: name, binary: false }, binary: { url: name, binary: true } };
    const stored = (message: Message, connection: number) => this.acknowledge(message, connection);
    this.progress = new Progress({ name, settings, context, ids, stored });
  }

  /** For reports about a message of the server that failed. */
  get shownUrl(): string {
    return this.name;
  }

  get state(): string {
    return this.dialer?.state ?? 'closed';
  }

  get notLiveReason(): string | undefined {
    return this.dialer?.notLiveReason;
  }

  /** Loads where an earlier run of the feed ended. */
  async load(signal: AbortSignal): Promise<void> {
    const saved = await this.progress.load(signal);
    if (saved !== undefined) this.outages.beginAgain(saved.heardAt, NOT_RUNNING);
  }

  open(): void {
    const { settings, context } = this.owner;
    const { url, name, metrics } = this;
    this.dialer = new Dialer({ url, name, settings, resume: settings.resume?.message, metrics, context }, this);
    this.dialer.open();
  }

  pause(): void {
    this.dialer?.pause();
  }

  resume(): void {
    this.dialer?.resume();
  }

  stopReading(): void {
    this.dialer?.pause({ forGood: true });
  }

  /** Closes the connection and saves the cursor. */
  async close(): Promise<void> {
    const { dialer } = this;
    this.dialer = undefined;
    if (dialer?.isLive) this.heardUntil(this.owner.context.clock.now());
    this.duplicates.stop();
    // Both at once: a stopping gateway has little time, and a server that closes slowly must not cost the cursor.
    await Promise.all([dialer?.close(), this.progress.flush()]);
    this.report();
  }

  /** Messages that an earlier pipeline did not settle, oldest first. */
  takeAgain(): Message[] {
    return this.again.splice(0).sort((a, b) => a.token - b.token);
  }

  /** Keeps a message while there is no pipeline. */
  keep(message: Message): void {
    this.again.push(message);
  }

  drop(message: Message, reason: 'overflow' | 'duplicate'): void {
    this.metrics.dropped(reason);
    this.unsettled -= 1;
    this.progress.dropped(message, reason);
    this.owner.settled();
  }

  // --- from the connection

  lastCursor(): unknown {
    const { cursor } = this.progress;
    return cursor === undefined ? undefined : parseAsWritten(cursor);
  }

  live(): void {
    this.hasBeenLive = true;
    this.duplicates.live();
    this.owner.context.gateway.onStatus(this.name, undefined);
    this.endOutage();
  }

  frame(data: Buffer, binary: boolean): void {
    const { context, isBuffering, isOver } = this.owner;
    // Decompression may still deliver messages after reading has stopped; after a restart the server is asked for them again.
    if (isOver) return;
    this.endOutage();
    this.metrics.received.value += 1;
    this.metrics.receivedBytes.value += data.length;
    this.unsettled += 1;
    this.count += 1;
    const message = new Message(isBuffering ? Buffer.from(data) : data, {
      meta: binary ? this.metas.binary : this.metas.text,
      timestamp: context.clock.now(),
      target: this,
      token: this.count,
    });
    context.gateway.tracing.received(message, context.path, '', undefined);
    this.owner.arrived(message, this.progress.enter(message, this.connection), this);
  }

  pong(): void {}

  lost({ reason }: RemoteEnd, heardAt: number): void {
    // A message is only acknowledged on the connection that received it.
    this.connection += 1;
    this.duplicates.lost();
    if (this.hasBeenLive) this.outages.begin(heardAt, reason);
    this.owner.context.gateway.onStatus(this.name, reason);
  }

  failed(failure: TidegateError): void {
    this.owner.failed(failure);
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
      this.metrics.dropped('unsettled');
    } else {
      if (failure === null) this.metrics.settled.value += 1;
      this.progress.settled(message, failure);
    }
    this.owner.settled();
  }

  // --- within

  /** Sends the answer to a message on the connection that received it: the server does not expect it on another one. */
  private acknowledge(message: Message, connection: number): void {
    const { ack } = this.owner.settings;
    if (ack === undefined || connection !== this.connection) return;
    try {
      const text = ack.message(message);
      if (text !== undefined) this.dialer?.send({ data: text, binary: false });
    } catch {
      // A message for which no answer can be made, such as one that is not JSON, does not expect one.
    }
  }

  /** A copy of the message that can be settled again. */
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

  /** The connection is closed on purpose; nothing was missed until now. */
  private heardUntil(now: number): void {
    this.outages.beginAgain(now, NOT_RUNNING);
    if (this.unsettled === 0) this.progress.heardUntil(now);
  }

  private endOutage(): void {
    const outage = this.outages.end(this.owner.context.clock);
    if (outage === undefined) return;
    const isResumed = this.progress.cursor !== undefined && this.owner.settings.resume !== undefined;
    this.metrics.outage(outage.to - outage.from);
    this.owner.outageEnded({ url: this.name, ...outage, isResumed }, this);
  }

  private report(): void {
    const { logger } = this.owner.context;
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
