import { isUtf8 } from 'node:buffer';
import { type Observable, Subject } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Sink } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';
import type { Connect, RemoteEnd } from '../../core/remote.ts';
import { displayUrl } from '../../core/secrets.ts';
import type { RemoteSinkSettings } from '../../sdk/remote.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { numberOf, numberPayload } from '../connection/pings.ts';
import { Dialer, type DialerHandler } from './dialer.ts';
import { RemoteFigures } from './figures.ts';
import { type ConnectionStatus, StatusLine } from './status-line.ts';

/** Bytes that may wait in the socket; the rest waits here, where a lost connection does not take it along. */
const MOST_BUFFERED = 1_048_576;

export interface RemoteSinkOptions {
  /** Where the sink stands in the configuration. */
  readonly path: string;
  readonly settings: RemoteSinkSettings;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  /** Told whenever the connection is there (undefined), or is not, for this reason. */
  readonly fares?: ((url: string, trouble: string | undefined) => void) | undefined;
}

/**
 * A WebSocket server as a sink: one message a record, in order. While it is away nothing is settled, so the pipeline's
 * gate shuts. What was not confirmed when a connection broke is sent again, before anything else.
 */
export class RemoteSink implements Sink, DialerHandler, ConnectionStatus {
  readonly idle$: Observable<void>;
  readonly failed$: Observable<TidegateError>;
  private readonly options: RemoteSinkOptions;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly figures: RemoteFigures;
  private readonly status: StatusLine;
  private readonly becameIdle = new Subject<void>();
  private readonly hasFailed = new Subject<TidegateError>();
  private readonly waiting = new Fifo<Message>();
  /** Sent on this connection and not confirmed. */
  private readonly sent = new Fifo<Message>();
  /** Messages that this connection has confirmed, of all that were sent on it. */
  private confirmedCount = 0;
  private sentCount = 0;
  private connection = 0;
  private dialer: Dialer | undefined;

  constructor(options: RemoteSinkOptions) {
    const { settings, stats, path, clock, logger } = options;
    this.options = options;
    this.name = displayUrl(settings.url.text);
    this.idle$ = this.becameIdle.asObservable();
    this.failed$ = this.hasFailed.asObservable();
    this.figures = new RemoteFigures(stats, path, this.name);
    this.figures.watch(() => this.dialer?.isLive ?? false);
    this.status = new StatusLine({ path, channels: [this], clock, logger });
  }

  /** A server that is away keeps nobody waiting here. */
  async open(): Promise<void> {
    const { settings, connect, clock, logger } = this.options;
    const { name, figures } = this;
    this.dialer = new Dialer({ url: settings.url, name, settings, connect, clock, logger, figures, handler: this });
    this.dialer.open();
    this.status.start();
  }

  get state(): string {
    return this.dialer?.state ?? 'closed';
  }

  get trouble(): string | undefined {
    return this.dialer?.trouble;
  }

  get idle(): boolean {
    const { dialer } = this;
    return dialer?.isLive === true && this.waiting.length === 0 && dialer.buffered < MOST_BUFFERED;
  }

  write(batch: Batch): void {
    for (const message of batch.messages) this.waiting.push(message);
    this.pump();
  }

  /** What is not confirmed by now has been given up by the pipeline. */
  async close(): Promise<void> {
    const { dialer } = this;
    this.dialer = undefined;
    this.status.stop();
    this.startOver();
    this.waiting.clear();
    await dialer?.close();
  }

  // --- from the connection

  lastCursor(): undefined {
    return undefined;
  }

  live(): void {
    this.options.fares?.(this.name, undefined);
    this.pump();
    if (this.idle) this.becameIdle.next();
  }

  /** Replies that nobody waits for. */
  frame(data: Buffer): void {
    this.figures.received.value += 1;
    this.figures.receivedBytes.value += data.length;
  }

  pong(payload: Buffer): void {
    const number = numberOf(payload);
    if (number !== undefined && this.options.settings.confirm === 'pong') this.confirmed(number);
  }

  lost({ reason }: RemoteEnd): void {
    this.options.fares?.(this.name, reason);
    const rest = [...this.startOver(), ...this.waiting.clear()];
    for (const message of rest) this.waiting.push(message);
  }

  failed(failure: TidegateError): void {
    this.hasFailed.next(failure);
  }

  // --- within

  /** The next connection counts from nothing. Returns what this one has not confirmed. */
  private startOver(): Message[] {
    this.connection += 1;
    this.sentCount = 0;
    this.confirmedCount = 0;
    return this.sent.clear();
  }

  /** Sends as much as the socket may hold, and goes on when the last of it has left. */
  private pump(): void {
    const { dialer, connection } = this;
    if (dialer === undefined || !dialer.isLive) return;
    let last: Message | undefined;
    while (dialer.buffered < MOST_BUFFERED) {
      const message = this.nextSendable();
      if (message === undefined) break;
      if (last !== undefined) this.send(dialer, last);
      last = message;
    }
    if (last === undefined) return;
    const number = this.sentCount + 1;
    this.send(dialer, last, (isWritten) => {
      if (isWritten && connection === this.connection) this.written(number);
    });
    if (this.options.settings.confirm === 'pong') dialer.ping(numberPayload(number));
  }

  private send(dialer: Dialer, message: Message, written?: (isWritten: boolean) => void): void {
    this.sentCount += 1;
    this.sent.push(message);
    dialer.send({ data: message.payload, binary: this.options.settings.frame === 'binary' }, written);
  }

  /** The next message that somebody still waits for, and that can be sent at all. */
  private nextSendable(): Message | undefined {
    for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) {
      if (message.isSettled) continue;
      if (message.isTombstone && this.options.settings.tombstones === 'skip') {
        this.figures.dropped('tombstone');
        message.ack();
        continue;
      }
      if (this.options.settings.frame === 'binary' || isUtf8(message.payload)) return message;
      message.nack(new TidegateError('TG_MESSAGE_INVALID', 'the payload is not UTF-8, so it cannot be a text message'));
    }
    return undefined;
  }

  private written(number: number): void {
    if (this.options.settings.confirm === 'written') this.confirmed(number);
    this.pump();
    if (this.idle) this.becameIdle.next();
  }

  /** The first `number` messages of this connection have arrived. */
  private confirmed(number: number): void {
    for (; this.confirmedCount < number; this.confirmedCount += 1) {
      const message = this.sent.shift();
      if (message === undefined) return;
      this.figures.settled.value += 1;
      message.ack();
    }
  }
}
