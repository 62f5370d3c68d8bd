import { isUtf8 } from 'node:buffer';
import { type Observable, Subject } from 'rxjs';
import { numberOf, numberPayload } from '../../actors/endpoint/pings.ts';
import type { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import { Dialer } from '../connection/dialer.ts';
import type { DialerHandler } from '../connection/dialer-handler.ts';
import type { RemoteSinkContext } from '../context/feed-context.ts';
import { RemoteMetrics } from '../reports/metrics.ts';
import { type ConnectionStatus, StatusLine } from '../reports/status-line.ts';
import { nameOf } from '../request/named-host.ts';
import type { RemoteSinkSettings } from '../settings/sink-settings.ts';
import { ReplyWindow } from './reply-window.ts';

/** Bytes that may wait in the socket; the others wait here, where a lost connection does not lose them. */
const MAX_BUFFERED = 1_048_576;

/**
 * A WebSocket server as a sink: one message per record, in order. While it is unreachable nothing is settled, so the
 * pipeline's gate shuts. Messages that were not confirmed when a connection was lost are sent again first.
 */
export class RemoteSink implements Sink, DialerHandler, ConnectionStatus {
  readonly idle$: Observable<void>;
  readonly failed$: Observable<TidegateError>;
  private readonly settings: RemoteSinkSettings;
  private readonly context: RemoteSinkContext;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly metrics: RemoteMetrics;
  private readonly status: StatusLine;
  private readonly becameIdle = new Subject<void>();
  private readonly hasFailed = new Subject<TidegateError>();
  private readonly waiting = new Fifo<Message>();
  /** Sent on this connection and not confirmed. */
  private readonly sent = new Fifo<Message>();
  /** The same with `confirm: reply`. */
  private readonly replies: ReplyWindow | undefined;
  /** Of the messages that were sent on this connection. */
  private confirmedCount = 0;
  private sentCount = 0;
  private connection = 0;
  private dialer: Dialer | undefined;

  constructor(settings: RemoteSinkSettings, context: RemoteSinkContext) {
    this.settings = settings;
    this.context = context;
    this.name = nameOf(settings.url, settings.prepare);
    this.idle$ = this.becameIdle.asObservable();
    this.failed$ = this.hasFailed.asObservable();
    this.metrics = new RemoteMetrics(this.name, context);
    this.metrics.watch(() => this.dialer?.isLive ?? false);
    this.status = new StatusLine([this], context);
    this.replies = this.makeReplies();
  }

  /** Does not wait for the server. */
  async open(): Promise<void> {
    const { name, settings, metrics, context } = this;
    this.dialer = new Dialer({ url: settings.url, name, settings, metrics, context }, this);
    this.dialer.open();
    this.status.start();
  }

  get state(): string {
    return this.dialer?.state ?? 'closed';
  }

  get nextState(): undefined {
    return undefined;
  }

  get notLiveReason(): string | undefined {
    return this.dialer?.notLiveReason;
  }

  get idle(): boolean {
    const { dialer } = this;
    return dialer?.isLive === true && this.waiting.length === 0 && dialer.buffered < MAX_BUFFERED;
  }

  write(batch: Batch): void {
    for (const message of batch.messages) this.waiting.push(message);
    this.pump();
  }

  /** By now the pipeline has settled or given up every message. */
  async close(): Promise<void> {
    const { dialer } = this;
    this.dialer = undefined;
    this.status.stop();
    this.startOver();
    this.waiting.clear();
    await dialer?.close();
  }

  // --- from the connection

  connects(): undefined {
    return undefined;
  }

  lastCursor(): undefined {
    return undefined;
  }

  live(): void {
    this.context.gateway.onStatus(this.name, undefined);
    this.pump();
    if (this.idle) this.becameIdle.next();
  }

  ready(): void {
    this.pump();
    if (this.idle) this.becameIdle.next();
  }

  /** Messages of the server are counted, and used only if they are replies. */
  frame(data: Buffer): void {
    this.metrics.received.value += 1;
    this.metrics.receivedBytes.value += data.length;
    this.replies?.take(data);
  }

  pong(payload: Buffer): void {
    const number = numberOf(payload);
    if (number !== undefined && this.settings.confirm === 'pong') this.confirmed(number);
  }

  lost({ reason }: RemoteEnd): void {
    this.context.gateway.onStatus(this.name, reason);
    const rest = [...this.startOver(), ...this.waiting.clear()];
    for (const message of rest) this.waiting.push(message);
  }

  /** Two connections at a time could change the order of the records. */
  takesOver(): boolean {
    return false;
  }

  failed(failure: TidegateError): void {
    this.hasFailed.next(failure);
  }

  // --- within

  /** The next connection counts from 0. Returns the messages that this one has not confirmed. */
  private startOver(): Message[] {
    this.connection += 1;
    this.sentCount = 0;
    this.confirmedCount = 0;
    return this.replies?.clear() ?? this.sent.clear();
  }

  /** Sends as much as the socket may buffer, and continues when the last message has left it. */
  private pump(): void {
    const { dialer, settings } = this;
    if (dialer === undefined || !dialer.isLive) return;
    if (settings.send_rate === undefined) this.sendSome(dialer, Number.POSITIVE_INFINITY);
    // One at a time: those that cannot be sent yet stay here, where a lost connection does not lose them.
    else while (this.waiting.length > 0 && dialer.mayTake()) if (!this.sendSome(dialer, 1)) return;
  }

  /** Returns whether there was one to send. */
  private sendSome(dialer: Dialer, max: number): boolean {
    const { connection } = this;
    let last: Message | undefined;
    for (let count = 0; count < max && dialer.buffered < MAX_BUFFERED; count += 1) {
      const message = this.nextSendable();
      if (message === undefined) break;
      if (last !== undefined) this.send(dialer, last);
      last = message;
    }
    if (last === undefined) return false;
    const number = this.sentCount + 1;
    this.send(dialer, last, (isWritten) => {
      if (isWritten && connection === this.connection) this.written(number);
    });
    if (this.settings.confirm === 'pong') dialer.ping(numberPayload(number));
    return true;
  }

  private send(dialer: Dialer, message: Message, written?: (isWritten: boolean) => void): void {
    this.sentCount += 1;
    if (this.replies === undefined) this.sent.push(message);
    else this.replies.sent(message);
    dialer.send({ data: message.payload, binary: this.isBinary(message) }, written);
  }

  private isBinary({ payload, meta }: Message): boolean {
    const { frame } = this.settings;
    return frame === 'as_is' ? meta.binary === true || !isUtf8(payload) : frame === 'binary';
  }

  private makeReplies(): ReplyWindow | undefined {
    const { replies: settings } = this.settings;
    if (settings === undefined) return undefined;
    return new ReplyWindow({
      settings,
      clock: this.context.clock,
      accepted: (message) => {
        this.metrics.settled.value += 1;
        message.ack();
      },
      again: (message) => {
        this.waiting.push(message);
        this.pump();
      },
      backlog: { full: () => this.dialer?.pause(), drained: () => this.dialer?.resume() },
    });
  }

  /** The next message that is not settled and that can be sent. */
  private nextSendable(): Message | undefined {
    for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) {
      if (message.isSettled) {
        this.replies?.withdraw(message);
        continue;
      }
      if (message.isTombstone && this.settings.tombstones === 'skip') {
        this.metrics.dropped('tombstone');
        message.ack();
        continue;
      }
      if (this.settings.frame === 'text' && !isUtf8(message.payload)) message.nack(notUtf8());
      else if (this.replies?.admit(message) ?? true) return message;
    }
    return undefined;
  }

  private written(number: number): void {
    if (this.settings.confirm === 'written') this.confirmed(number);
    this.pump();
    if (this.idle) this.becameIdle.next();
  }

  /** The first `number` messages of this connection have reached the server. */
  private confirmed(number: number): void {
    for (; this.confirmedCount < number; this.confirmedCount += 1) {
      const message = this.sent.shift();
      if (message === undefined) return;
      this.metrics.settled.value += 1;
      message.ack();
    }
  }
}

function notUtf8(): TidegateError {
  return new TidegateError(
    'TG_MESSAGE_INVALID',
    'the payload is not UTF-8, so it cannot be sent as a text message; set frame: as_is or binary',
  );
}
