import type { Meta } from '../../core/content.ts';
import type { TidegateError } from '../../core/errors.ts';
import { parseAsWritten } from '../../core/exact-number.ts';
import { Message, type SettleTarget } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import type { FeedContext } from '../context/feed-context.ts';
import { type Outage, OutageWatch } from '../gaps/outage.ts';
import { SequenceWatch } from '../gaps/sequence-watch.ts';
import type { Backlog, BacklogHandler } from '../queues/backlog.ts';
import type { ReceivedFrame } from '../queues/held-frames.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';
import type { ConnectionStatus } from '../reports/status-line.ts';
import { Duplicates } from '../resume/duplicates.ts';
import type { IdWindow } from '../resume/id-window.ts';
import type { Entry } from '../resume/in-order.ts';
import { Progress } from '../resume/progress.ts';
import { renewed, Unsettled } from '../resume/unsettled.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import type { Shard } from '../shards/shard-plan.ts';
import { feedOverlap } from './feed-overlap.ts';
import { type ChannelIdentity, type FeedServer, nameOfChannel, serverOf } from './feed-server.ts';
import { Links, type LinksHandler } from './links.ts';

/** The feed of a channel. */
export interface ChannelOwner {
  readonly settings: FeedSettings;
  readonly context: FeedContext;
  /** Ids of all channels; undefined without `dedupe`. */
  readonly ids: IdWindow | undefined;
  /** Of what the gate of the pipeline does not know. */
  readonly backlog: Backlog;
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

const NOT_RUNNING = 'the feed was not running';

/**
 * One URL of a feed, or a part of its symbols: makes messages of frames, and follows them until they are settled. Outlives
 * its connections.
 */
export class Channel implements LinksHandler, SettleTarget, ConnectionStatus {
  readonly name: string;
  readonly number: number;
  readonly metrics: RemoteMetrics;
  /** Messages that are dropped as duplicates of its own earlier ones. */
  readonly duplicates: Duplicates;
  readonly sequences: SequenceWatch | undefined;
  /** Messages that arrived and are not settled. */
  unsettled = 0;
  private readonly owner: ChannelOwner;
  private readonly server: FeedServer;
  private readonly shard: Shard | undefined;
  private readonly metas: { readonly text: Meta; readonly binary: Meta };
  private readonly progress: Progress;
  private links: Links | undefined;
  private count = 0;
  private connections = 0;
  private hasBeenLive = false;
  /** Connections with a lower number were there before the outage: what they have received does not end it. */
  private sinceLost = 0;
  private outages = new OutageWatch();
  private readonly rest: Unsettled;

  constructor(owner: ChannelOwner, { server, shard, number }: ChannelIdentity) {
    const { settings, context, ids, backlog } = owner;
    const { name: url, metrics } = server;
    const name = nameOfChannel(url, shard, settings);
    this.owner = owner;
    this.server = server;
    this.shard = shard;
    this.name = name;
    this.number = number;
    this.metrics = metrics;
    this.duplicates = new Duplicates(name, context);
    this.rest = new Unsettled(name, context.logger);
    this.metas = { text: { url, binary: false }, binary: { url, binary: true } };
    // On the connection that received the message: the server does not expect it on another one.
    const answer = (make: AnswerTemplate, message: Message, connection: number) =>
      this.links?.answer(make, message, connection);
    this.sequences =
      settings.sequence &&
      new SequenceWatch(settings.sequence, { name: url, settings, context, backlog, metrics, target: this, answer });
    const stored = (message: Message, connection: number) => {
      if (settings.ack !== undefined) answer(settings.ack.message, message, connection);
    };
    this.progress = new Progress({ name, settings, context, ids, stored });
  }

  /** For reports about a message of the server that failed. */
  get shownUrl(): string {
    return this.server.name;
  }

  /** Whether there is something to subscribe to. */
  get isWanted(): boolean {
    return this.shard === undefined || this.shard.symbols.size > 0;
  }

  get isLive(): boolean {
    return this.links?.isLive ?? false;
  }

  get state(): string {
    return this.links?.state ?? 'closed';
  }

  get nextState(): string | undefined {
    return this.links?.nextState;
  }

  get notLiveReason(): string | undefined {
    return this.links?.notLiveReason;
  }

  /** Loads where an earlier run of the feed ended. */
  async load(signal: AbortSignal): Promise<void> {
    const saved = await this.progress.load(signal);
    if (saved !== undefined) this.outages.beginAgain(saved.heardAt, NOT_RUNNING);
  }

  /** It begins with other symbols: where it was with the earlier ones means nothing for them. */
  begin(): void {
    this.outages = new OutageWatch();
    this.hasBeenLive = false;
    this.progress.begin(this.owner.context.clock.now());
  }

  /** Its symbols have changed. `added`: those that it did not have before. */
  changed(added: readonly string[]): void {
    this.sequences?.forget(added);
    this.links?.resubscribe();
  }

  open(): void {
    const { settings, context, ids } = this.owner;
    const makeOverlap = (backlog: BacklogHandler) =>
      feedOverlap({
        settings,
        context,
        ids,
        pass: ({ data, binary, connection, isRecord }) =>
          isRecord ? this.frame(data, binary, connection) : this.numbered(data, connection),
        repeated: (frame) => {
          if (frame.isRecord) this.repeated(frame);
        },
        backlog,
      });
    const server = serverOf(this.server, this.name, this.shard, { settings, context });
    this.links = new Links({ server, overlap: settings.reconnect.overlap, makeOverlap }, this);
    this.links.open();
  }

  pause(): void {
    this.links?.pause(false);
  }

  resume(): void {
    this.links?.resume();
  }

  stopReading(): void {
    this.links?.pause(true);
  }

  /** Calls back once all messages that were received have arrived at the feed. */
  whenDecided(done: () => void): void {
    if (this.links === undefined) done();
    else this.links.whenDecided(done);
  }

  /** Closes the connection and saves the cursor. */
  async close(): Promise<void> {
    const { links } = this;
    if (links?.isLive) {
      const now = this.owner.context.clock.now();
      // It is closed on purpose; nothing was missed until now.
      this.outages.beginAgain(now, NOT_RUNNING);
      if (this.unsettled === 0) this.progress.heardUntil(now);
    }
    this.duplicates.stop();
    this.sequences?.stop();
    const closed = links?.close();
    this.links = undefined;
    // Both at once: a stopping gateway has little time, and a server that closes slowly must not cost the cursor.
    await Promise.all([closed, this.progress.flush()]);
    this.rest.report();
  }

  /** Messages that an earlier pipeline did not settle, oldest first. */
  takeAgain(): Message[] {
    return this.rest.takeAgain();
  }

  /** Keeps a message while there is no pipeline. */
  keep(message: Message): void {
    this.rest.keep(message);
  }

  drop(message: Message, reason: 'overflow' | 'duplicate'): void {
    this.metrics.dropped(reason);
    this.unsettled -= 1;
    this.progress.dropped(message, reason);
    this.owner.settled();
  }

  // --- from the connections

  nextConnection(): number {
    this.connections += 1;
    return this.connections;
  }

  whenCursorKnown(): Promise<unknown> | undefined {
    return this.progress.whenCursorKnown();
  }

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

  /** `isRepeated`: it came on another connection, too, and is only for its answer. */
  frame(data: Buffer, binary: boolean, connection: number, isRepeated = false): void {
    const { context, isBuffering, isOver } = this.owner;
    // Decompression may still deliver messages after reading has stopped; after a restart the server is asked for them again.
    if (isOver) return;
    this.heard(data, connection);
    this.unsettled += 1;
    this.count += 1;
    const message = new Message(isBuffering ? Buffer.from(data) : data, {
      meta: binary ? this.metas.binary : this.metas.text,
      timestamp: context.clock.now(),
      target: this,
      token: this.count,
    });
    context.gateway.tracing.received(message, context.path, '', undefined);
    this.owner.arrived(message, this.progress.enter(message, connection, isRepeated), this);
  }

  numbered(data: Buffer, connection: number): void {
    const { context, isOver } = this.owner;
    if (isOver) return;
    const message = new Message(data, { meta: this.metas.text, timestamp: context.clock.now() });
    this.owner.arrived(message, this.progress.numbered(message, connection), this);
  }

  /** Two connections are live: the new one repeats messages of the old one. */
  doubled(): void {
    this.duplicates.lost();
  }

  replaced(): void {
    this.duplicates.live();
  }

  lost({ reason }: RemoteEnd, heardAt: number): void {
    this.duplicates.lost();
    this.sinceLost = this.connections;
    if (this.hasBeenLive) this.outages.begin(heardAt, reason);
    this.owner.context.gateway.onStatus(this.name, reason);
  }

  failed(failure: TidegateError): void {
    this.owner.failed(failure);
  }

  // --- from the pipeline

  settled(message: Message, failure: TidegateError | null): void {
    if (failure?.code === 'TG_FLOW_FAILED') {
      this.rest.keep(renewed(message.source ?? message, this));
      return;
    }
    this.unsettled -= 1;
    if (failure?.code === 'TG_STOPPING' || failure?.next === 'wait') {
      this.rest.giveUp();
      this.metrics.dropped('unsettled');
    } else {
      if (failure === null) this.metrics.settled.value += 1;
      this.progress.settled(message, failure);
    }
    this.owner.settled();
  }

  // --- within

  /** With `ack` it is answered when its message is stored: `dedupe`, which is set then, sees to that. */
  private repeated({ data, binary, connection }: ReceivedFrame): void {
    if (this.owner.settings.ack !== undefined) {
      this.frame(data, binary, connection, true);
      return;
    }
    this.heard(data, connection);
    this.metrics.dropped('duplicate');
  }

  private heard(data: Buffer, connection: number): void {
    if (connection >= this.sinceLost) this.endOutage();
    this.metrics.received.value += 1;
    this.metrics.receivedBytes.value += data.length;
  }

  private endOutage(): void {
    const outage = this.outages.end(this.owner.context.clock);
    if (outage === undefined) return;
    const isResumed = this.progress.cursor !== undefined && this.owner.settings.resume !== undefined;
    this.metrics.outage(outage.to - outage.from);
    const symbols = this.shard && [...this.shard.symbols];
    this.owner.outageEnded({ url: this.server.name, symbols, ...outage, isResumed }, this);
  }
}
