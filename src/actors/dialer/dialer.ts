import { createActor } from 'xstate';
import type { Clock } from '../../core/clock.ts';
import type { Frame } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type {
  Connect,
  RemoteEnd,
  RemoteHandler,
  RemoteRequest,
  RemoteSocket,
  RemoteTarget,
} from '../../core/remote.ts';
import { formatDuration } from '../../core/units.ts';
import { handshakeValues, type RemoteUrl } from '../../sdk/handshake.ts';
import type { RemoteSettings } from '../../sdk/remote.ts';
import type { Template } from '../../sdk/template.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { backoffDelay } from '../backoff.ts';
import { startActor, tell } from '../lifecycle.ts';
import type { RemoteFigures } from './figures.ts';
import { Greeting, type GreetingFailure } from './greeting.ts';
import { Heartbeat } from './heartbeat.ts';
import { type DialerActor, type DialerControl, dialerMachine } from './machine.ts';
import { Reading } from './reading.ts';
import { Redaction } from './redaction.ts';
import { requestOf } from './request.ts';

/** Milliseconds that a connection has to last for the next failure to count as the first. */
const STABLE = 10_000;
/** Milliseconds for the closing handshake; a server that does not take part is cut. */
const CLOSE_TIMEOUT = 3_000;

export interface DialerOptions {
  readonly url: RemoteUrl;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: RemoteSettings;
  /** Sent behind `subscribe` where there is a cursor. */
  readonly resume?: Template | undefined;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly figures: RemoteFigures;
  readonly handler: DialerHandler;
}

/** What the owner of a connection does about it. */
export interface DialerHandler {
  /** Where to go on, for the messages that are sent first; undefined at the beginning. */
  lastCursor(): unknown;
  live(): void;
  /** A message that is no reply to what is sent first. May come before `live`. */
  frame(data: Buffer, binary: boolean): void;
  pong(payload: Buffer): void;
  /** There is no connection any more, or it did not come about. `heardAt`: when it was last heard of. */
  lost(end: RemoteEnd, heardAt: number): void;
  /** It will not be made again. Behind `lost`. */
  failed(failure: TidegateError): void;
}

/** One outgoing connection that is made again whenever it is lost, with at most one socket at a time. */
export class Dialer implements DialerControl {
  readonly actor: DialerActor;
  /** Whether messages can be sent. Also true within `handler.live`, where the machine is still on its way there. */
  isLive = false;
  private readonly name: string;
  private readonly options: DialerOptions;
  private readonly target: RemoteTarget;
  private readonly reading: Reading;
  private readonly redaction: Redaction;
  private socket: RemoteSocket | undefined;
  private greeting: Greeting | undefined;
  private heartbeat: Heartbeat | undefined;
  private token: string | undefined;
  /** Ends since there was a stable connection, for the back-off. */
  private attempts = 0;
  /** Tries since there was any connection. */
  private triesInVain = 0;
  private liveAt = 0;
  private heardAt = 0;
  /** Why we end the connection ourselves, in words that may be shown. */
  private cutReason: GreetingFailure | undefined;
  /** Why the last connection ended, in words that may be shown; undefined before the first end. */
  private endReason: string | undefined;
  /** The same, with what it was that failed. */
  private complaint = '';
  private isClosing = false;
  private cancelTimer: () => void = () => {};
  private whenGone: () => void = () => {};
  private gone: Promise<void> | undefined;

  constructor(options: DialerOptions) {
    this.options = options;
    this.name = options.name;
    this.target = targetOf(options.settings, (token) => this.request(token));
    this.reading = new Reading(options.clock);
    this.redaction = new Redaction(options.url, options.settings);
    this.actor = startActor(
      createActor(dialerMachine, { input: { dialer: this } }),
      `dialer ${this.name}`,
      options.logger,
    );
  }

  get state(): string {
    return String(this.actor.getSnapshot().value);
  }

  /** Why there is no connection at the moment; undefined while there is one, or before the first end. */
  get trouble(): string | undefined {
    return this.isLive ? undefined : this.endReason;
  }

  /** Bytes that wait to leave. */
  get buffered(): number {
    return this.socket?.buffered ?? 0;
  }

  open(): void {
    tell(this.actor, { type: 'OPEN' });
  }

  /** Only while it is live. */
  send(frame: Frame, written?: (isWritten: boolean) => void): void {
    this.options.figures.sent.value += 1;
    this.socket?.send(frame, written);
  }

  ping(payload: Buffer): void {
    this.socket?.ping(payload);
  }

  /**
   * Reads no more, so that TCP slows the server down. Until it is live it is read all the same: replies have to come.
   * `forGood`: not even a look at what comes now and then.
   */
  pause({ forGood = false } = {}): void {
    this.reading.pause(forGood);
  }

  resume(): void {
    this.reading.resume();
  }

  /** Says goodbye; resolves when there is no socket any more. */
  close(): Promise<void> {
    this.gone ??= new Promise((resolve) => {
      this.whenGone = resolve;
      tell(this.actor, { type: 'CLOSE' });
      if (this.socket === undefined) resolve();
    });
    return this.gone;
  }

  // --- orders of the machine

  get mayReconnect(): boolean {
    return this.options.settings.reconnect.enabled;
  }

  dial(): void {
    const { connect, settings, clock } = this.options;
    this.cutReason = undefined;
    this.cancelTimer = clock.after(settings.connect_timeout, () =>
      this.give(`there was no answer within ${formatDuration(settings.connect_timeout)}`),
    );
    this.socket = connect(this.target, this.socketHandler());
  }

  greet(): void {
    const { settings, resume, clock, figures } = this.options;
    this.greeting = new Greeting({
      steps: settings.subscribe,
      last: resume,
      values: this.values(this.token),
      clock,
      send: (text) => {
        this.redaction.told(text);
        this.send({ data: text, binary: false });
      },
      done: () => tell(this.actor, { type: 'SUBSCRIBED' }),
      failed: (failure) => this.notSubscribed(failure),
      pass: (data, binary) => this.pass(data, binary),
      dropped: (data) => {
        figures.received.value += 1;
        figures.receivedBytes.value += data.length;
        figures.dropped('refused');
      },
    });
    this.greeting.start();
  }

  goLive(): void {
    const { settings, clock, logger, figures, handler } = this.options;
    const { socket } = this;
    if (socket === undefined) return;
    this.liveAt = clock.now();
    this.heardAt = this.liveAt;
    this.isLive = true;
    figures.connected();
    const how = this.triesInVain === 0 ? '' : `, ${this.triesInVain} tries before were in vain`;
    this.triesInVain = 0;
    logger.info({ url: this.name }, `connected to ${this.name}${how}`);
    const heartbeat = new Heartbeat({
      settings: settings.heartbeat,
      values: () => this.values(this.token),
      socket,
      clock,
      stale: (why) => this.give(why),
    });
    this.heartbeat = heartbeat;
    heartbeat.start();
    handler.live();
    this.reading.begin({ socket, heartbeat });
  }

  cut(): void {
    this.socket?.terminate();
  }

  wait(): void {
    const { clock, logger } = this.options;
    const delay = this.delay();
    logger.warn(
      { url: this.name, attempt: this.attempts, delay },
      `${this.complaint}; the next try is in ${formatDuration(delay)}`,
    );
    this.cancelTimer = clock.after(delay, () => tell(this.actor, { type: 'RETRY' }));
  }

  fail(): void {
    const { logger, handler } = this.options;
    const failure = new TidegateError(
      'TG_REMOTE_FAILED',
      `${this.complaint}; reconnect.enabled is false, so there is no other try`,
    );
    logger.error({ url: this.name, code: failure.code }, failure.message);
    handler.failed(failure);
  }

  hangUp(): void {
    const { socket } = this;
    this.isClosing = true;
    this.cancelTimer();
    this.quiet();
    if (socket === undefined) return;
    this.cancelTimer = this.options.clock.after(CLOSE_TIMEOUT, () => socket.terminate());
    socket.close(1000, 'closed');
  }

  // --- from the socket

  private socketHandler(): RemoteHandler {
    const { handler } = this.options;
    return {
      onOpen: (token) => {
        this.token = token;
        this.cancelTimer();
        tell(this.actor, { type: 'CONNECTED' });
      },
      onFrame: (data, binary) => this.frame(data, binary),
      onPong: (payload) => {
        if (this.isClosing) return;
        this.heardAt = this.options.clock.now();
        handler.pong(payload);
      },
      onClose: (end) => this.closed(end),
    };
  }

  private frame(data: Buffer, binary: boolean): void {
    // What comes behind our goodbye would never be settled.
    if (this.isClosing) return;
    this.heardAt = this.options.clock.now();
    this.heartbeat?.heard(data);
    this.reading.heard(data.length);
    if (this.greeting === undefined) this.pass(data, binary);
    else this.greeting.take(data, binary);
  }

  private pass(data: Buffer, binary: boolean): void {
    if (!this.isClosing) this.options.handler.frame(data, binary);
  }

  private closed(end: RemoteEnd): void {
    const { clock, figures, handler } = this.options;
    const now = clock.now();
    const wasLive = this.isLive;
    const told = this.told(end);
    this.socket = undefined;
    this.cancelTimer();
    this.quiet();
    if (this.isClosing) {
      this.whenGone();
      return;
    }
    if (wasLive && now - this.liveAt >= STABLE) this.attempts = 0;
    this.attempts += 1;
    this.isLive = false;
    if (!wasLive) this.triesInVain += 1;
    this.endReason = told.reason;
    this.complaint = `${wasLive ? 'lost the connection to' : 'cannot connect to'} ${this.name}: ${told.reason}`;
    figures.lost(told.kind, wasLive);
    handler.lost(told, told.kind === 'silent' ? this.heardAt : now);
    tell(this.actor, { type: 'LOST' });
  }

  // --- within

  /** What the handshake asks for, now that there is a token. */
  private request(token: string | undefined): RemoteRequest {
    const { url, settings } = this.options;
    this.redaction.begin(token);
    const request = requestOf(url, settings, this.values(token));
    this.redaction.asked(request);
    return request;
  }

  /** What texts for the server may use. */
  private values(token: string | undefined): Message {
    return handshakeValues({ token, cursor: this.options.handler.lastCursor() });
  }

  /** Ends the connection, as it is of no use. */
  private give(why: string, kind: GreetingFailure['kind'] = 'silent'): void {
    this.cutReason = { kind, why: this.redaction.shown(why) };
    tell(this.actor, { type: 'STALE' });
  }

  private notSubscribed({ kind, why }: GreetingFailure): void {
    this.give(`${why}; ${this.redaction.quoted(this.greeting?.lastHeard)}`, kind);
  }

  private quiet(): void {
    this.greeting?.end();
    this.greeting = undefined;
    this.heartbeat?.stop();
    this.heartbeat = undefined;
    this.reading.end();
  }

  private delay(): number {
    const { interval, backoff } = this.options.settings.reconnect;
    return interval ?? backoffDelay(this.attempts, backoff);
  }

  /** An end in the words that may be shown. */
  private told({ kind, code, reason }: RemoteEnd): RemoteEnd {
    const { cutReason, greeting } = this;
    if (cutReason !== undefined) return { kind: cutReason.kind, code, reason: cutReason.why };
    const shown = this.redaction.shown(reason);
    const hasAnswered = greeting?.isTalking === true && greeting.lastHeard !== undefined;
    return { kind, code, reason: hasAnswered ? `${shown}; ${this.redaction.quoted(greeting.lastHeard)}` : shown };
  }
}

function targetOf(settings: RemoteSettings, request: RemoteTarget['request']): RemoteTarget {
  const { auth, proxy, tls, compression, max_frame } = settings;
  return { request, auth, proxy, tls, compression, maxFrame: max_frame };
}
