import type { Clock } from '../../core/clock.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Frame } from '../../core/frame.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { Quota } from '../../core/units.ts';
import { Backlog, type BacklogHandler } from '../queues/backlog.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';
import { Echoes } from './echoes.ts';
import { SendWindow } from './send-window.ts';

/** Bytes that wait for `send_rate` at which the server is no longer read. */
const MAX_WAITING_BYTES = 1_048_576;
/** While the socket has more bytes to send than this, no answers to pings are added: a server that does not read gets none. */
const MAX_BUFFERED = 2_097_152;
/** Milliseconds until the socket is looked at again. */
const RETRY = 50;

export interface OutboxHandler extends BacklogHandler {
  /** A message can be sent at once; called after `mayTake` was false. */
  ready(): void;
}

export interface OutboxOptions {
  readonly socket: RemoteSocket;
  readonly rate: Quota | undefined;
  readonly clock: Clock;
  readonly metrics: Pick<RemoteMetrics, 'sent' | 'unanswered'>;
  readonly handler: OutboxHandler;
}

interface Waiting {
  readonly bytes: number;
  readonly send: () => void;
}

const NOTHING = () => {};

/**
 * Everything that is sent on one connection, at the rate that the server allows. What keeps the connection alive goes before
 * messages, and at most every other time, so that neither has to wait for long.
 */
export class Outbox {
  private readonly options: OutboxOptions;
  private readonly window: SendWindow | undefined;
  private readonly echoes: Echoes;
  /** Pings and heartbeats of the gateway. Each is sent again only after it was sent, so there are never more than two. */
  private readonly beats = new Fifo<() => void>();
  private readonly messages = new Fifo<Waiting>();
  private readonly backlog: Backlog;
  private isAsked = false;
  private isMessageNext = false;
  private isEnded = false;
  private cancelTimer: (() => void) | undefined;

  constructor(options: OutboxOptions) {
    const { rate, clock, metrics, handler } = options;
    this.options = options;
    this.backlog = new Backlog(handler, MAX_WAITING_BYTES);
    this.window = rate === undefined ? undefined : new SendWindow(rate, clock);
    this.echoes = new Echoes(metrics);
  }

  /**
   * Messages are sent in the order of the calls. `sent`: when it is handed to the socket, with its length; `written`: as that
   * of a socket.
   */
  send(frame: Frame, sent: (length: number) => void = NOTHING, written?: (isWritten: boolean) => void): void {
    if (this.window === undefined) {
      this.transmit(frame, written);
      sent(frame.data.length);
      return;
    }
    const send = () => {
      this.transmit(frame, written);
      sent(frame.data.length);
    };
    this.add({ bytes: frame.data.length, send });
  }

  /** A ping that has its place behind the messages so far. */
  pingBehind(payload: Buffer): void {
    const { socket } = this.options;
    if (this.window === undefined) socket.ping(payload);
    else this.add({ bytes: payload.length, send: () => socket.ping(payload) });
  }

  /** A ping or message that keeps the connection alive, before messages that wait. `send` sends it. */
  beat(send: () => void): void {
    if (this.window === undefined) {
      send();
      return;
    }
    this.beats.push(send);
    this.pump();
  }

  /** As `send`, for a message of `heartbeat.send`; call it within `beat`. */
  transmit(frame: Frame, written?: (isWritten: boolean) => void): void {
    const { metrics, socket } = this.options;
    if (this.isEnded) return;
    metrics.sent.value += 1;
    socket.send(frame, written);
  }

  /** The answer to a ping of WebSocket. Of pings that wait for one, only the last is answered (RFC 6455 5.5.3). */
  pong(payload: Buffer): void {
    this.echoes.pong(payload);
    this.pump();
  }

  /** The answer to a message of `heartbeat.reply`. */
  reply(text: string): void {
    this.echoes.reply(text);
    this.pump();
  }

  /** Whether a message can be sent at once. If not, `ready` follows. */
  mayTake(): boolean {
    if (this.window === undefined || (this.messages.length === 0 && this.window.delay === 0)) return true;
    this.isAsked = true;
    this.pump();
    return false;
  }

  /** The connection ends; nothing more is sent. */
  end(): void {
    this.isEnded = true;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private add(waiting: Waiting): void {
    this.messages.push(waiting);
    this.backlog.add(waiting.bytes);
    this.pump();
  }

  /** Sends what may be sent now, and comes back for the rest. */
  private pump(): void {
    while (!this.isEnded && this.cancelTimer === undefined) {
      const isHeld = this.options.socket.buffered > MAX_BUFFERED && this.echoes.isWaiting;
      if (this.beats.length === 0 && this.messages.length === 0 && !(this.echoes.isWaiting && !isHeld)) {
        if (isHeld) this.later(RETRY);
        else if (this.isAsked) this.makeReady();
        return;
      }
      const delay = this.window?.delay ?? 0;
      if (delay > 0) {
        this.later(delay);
        return;
      }
      this.window?.sent();
      this.sendOne(isHeld);
    }
  }

  private sendOne(isHeld: boolean): void {
    const isMessage = this.messages.length > 0 && (this.isMessageNext || !this.hasBeat(isHeld));
    this.isMessageNext = !isMessage;
    if (!isMessage) {
      const beat = this.beats.shift();
      if (beat === undefined) this.sendEcho();
      else beat();
      return;
    }
    const message = this.messages.shift();
    if (message === undefined) return;
    this.backlog.remove(message.bytes);
    message.send();
  }

  private hasBeat(isHeld: boolean): boolean {
    return this.beats.length > 0 || (this.echoes.isWaiting && !isHeld);
  }

  private sendEcho(): void {
    const echo = this.echoes.next();
    if (typeof echo === 'string') this.transmit({ data: echo, binary: false });
    else if (echo !== undefined) this.options.socket.pong(echo);
  }

  /** Nothing waits: says so to the one that asked, once the rate allows a message. */
  private makeReady(): void {
    const delay = this.window?.delay ?? 0;
    if (delay > 0) {
      this.later(delay);
      return;
    }
    this.isAsked = false;
    this.options.handler.ready();
  }

  private later(delay: number): void {
    this.cancelTimer = this.options.clock.after(delay, () => {
      this.cancelTimer = undefined;
      this.pump();
    });
  }
}
