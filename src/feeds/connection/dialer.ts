import { startActor, tell } from '../../actors/lifecycle.ts';
import type { Frame } from '../../core/frame.ts';
import type { Message } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import { formatDuration } from '../../core/units.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import { DamagedMessages } from '../reports/damaged-messages.ts';
import type { ReplaceCause } from '../reports/metrics.ts';
import { Redaction } from '../reports/redaction.ts';
import { Attempts } from './attempts.ts';
import { Connection } from './connection.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { ConnectionReports } from './connection-reports.ts';
import type { DialerHandler } from './dialer-handler.ts';
import { Lifetime } from './lifetime.ts';
import { createDialerActor, type DialerActor, type DialerControl } from './machine.ts';
import { MAX_WHILE_PAUSED, Reading } from './reading.ts';
import type { Server } from './server.ts';

/** Keeps one outgoing connection: dials again whenever it is lost, with at most one socket at a time. */
export class Dialer implements DialerControl, ConnectionHandler {
  readonly actor: DialerActor;
  /** Whether messages can be sent. Also true within `handler.live`, before the machine has reached that state. */
  isLive = false;
  private readonly server: Server;
  private readonly handler: DialerHandler;
  private readonly reading: Reading;
  private readonly redaction: Redaction;
  private readonly attempts: Attempts;
  private readonly damagedMessages: DamagedMessages;
  private readonly lifetime: Lifetime;
  private readonly reports: ConnectionReports;
  private connection: Connection | undefined;
  private heardAt = 0;
  private isClosing = false;
  private isRetired = false;
  /** Bytes that came while the connection was being closed and the pipeline took no messages. */
  private readInVain = 0;
  private cancelRetry: () => void = () => {};
  private whenGone: () => void = () => {};
  private gone: Promise<void> | undefined;

  constructor(server: Server, handler: DialerHandler) {
    const { url, name, settings, metrics, context } = server;
    this.server = server;
    this.handler = handler;
    this.reading = new Reading(context.clock);
    this.redaction = new Redaction(url, settings);
    this.attempts = new Attempts(settings.reconnect, context.clock, server.pace);
    this.reports = new ConnectionReports({ name, metrics, attempts: this.attempts, context });
    this.damagedMessages = new DamagedMessages(name, metrics, context);
    const { every } = settings.reconnect;
    const why = () => `the connection is replaced before it is ${formatDuration(every ?? 0)} old`;
    this.lifetime = new Lifetime(every, context.clock, () => this.replace('age', why));
    this.actor = startActor(createDialerActor(this), `dialer ${name}`, context.logger);
  }

  get state(): string {
    return String(this.actor.getSnapshot().value);
  }

  /** Whether the connection has lasted for a while. */
  get isStable(): boolean {
    return this.attempts.isStable;
  }

  /** Why there is no connection at the moment; undefined while there is one, or before the first end. */
  get notLiveReason(): string | undefined {
    return this.isLive ? undefined : this.reports.reason;
  }

  /** Bytes that the socket has not sent yet. */
  get buffered(): number {
    return this.connection?.socket.buffered ?? 0;
  }

  open(): void {
    const delay = this.attempts.firstDelay;
    const open = () => tell(this.actor, { type: 'OPEN' });
    if (delay === 0) open();
    else this.cancelRetry = this.server.context.clock.after(delay, open);
  }

  /** The symbols have changed. */
  resubscribe(): void {
    if (this.isLive) this.connection?.resubscribe();
  }

  /** Only while it is live. */
  send(frame: Frame, written?: (isWritten: boolean) => void): void {
    this.connection?.outbox.send(frame, undefined, written);
  }

  /** Answers a message that the connection has received. */
  answer(make: AnswerTemplate, message: Message): void {
    this.connection?.answer(make, message);
  }

  /** Sends a ping behind the messages so far. */
  ping(payload: Buffer): void {
    this.connection?.outbox.pingBehind(payload);
  }

  /** Whether a message would be sent at once. If not, `ready` follows while it is live. */
  mayTake(): boolean {
    return this.isLive && this.connection?.outbox.mayTake() === true;
  }

  /**
   * Stops reading, so that TCP slows the server down. Until the connection is live it is read anyway: replies have to
   * arrive. `forGood`: not even a look at what comes now and then.
   */
  pause({ forGood = false } = {}): void {
    this.reading.pause(forGood);
  }

  resume(): void {
    this.reading.resume();
  }

  /** Calls back once all messages that were received are passed on. */
  whenDecided(done: () => void): void {
    if (this.connection === undefined) done();
    else this.connection.whenDecided(done);
  }

  /** As `close`, but messages that still arrive are passed on, until `lost`. */
  retire(): Promise<void> {
    this.isRetired = true;
    return this.close();
  }

  /** Closes the connection; resolves when there is no socket any more. */
  close(): Promise<void> {
    this.gone ??= new Promise((resolve) => {
      this.whenGone = resolve;
      tell(this.actor, { type: 'CLOSE' });
      if (this.connection === undefined) resolve();
    });
    return this.gone;
  }

  // --- orders of the machine

  get mayReconnect(): boolean {
    return this.server.settings.reconnect.enabled;
  }

  dial(): void {
    this.connection = new Connection(this.server, this.redaction, this.reading, this);
  }

  subscribe(): void {
    this.connection?.subscribe();
  }

  goLive(): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.heardAt = this.server.context.clock.now();
    this.isLive = true;
    this.reports.connected();
    this.handler.live();
    connection.resubscribe();
  }

  cut(): void {
    this.connection?.socket.terminate();
  }

  leave(): void {
    this.isLive = false;
    this.connection?.close(false);
  }

  wait(): void {
    const delay = this.attempts.delay();
    this.reports.waiting(delay);
    this.cancelRetry = this.server.context.clock.after(delay, () => tell(this.actor, { type: 'RETRY' }));
  }

  fail(): void {
    this.handler.failed(this.reports.failed());
  }

  hangUp(): void {
    this.isClosing = true;
    this.cancelRetry();
    this.damagedMessages.stop();
    this.lifetime.end();
    this.reading.end();
    this.connection?.close(!this.isRetired);
  }

  // --- from the connection

  connects(): Promise<unknown> | undefined {
    return this.handler.connects();
  }

  lastCursor(): unknown {
    return this.handler.lastCursor();
  }

  connected(): void {
    this.lifetime.begin();
    tell(this.actor, { type: 'CONNECTED' });
  }

  replied(): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.reading.begin({ socket: connection.socket, heartbeat: connection.startHeartbeat() });
  }

  ready(): void {
    if (this.isLive) this.handler.ready();
  }

  subscribed(): void {
    tell(this.actor, { type: 'SUBSCRIBED' });
  }

  stale(): void {
    tell(this.actor, { type: 'STALE' });
  }

  replacementAsked(quote: () => string): void {
    this.replace('message', () => `the server asks for a new connection; ${quote()}`);
  }

  heard(bytes: number): void {
    this.heardAt = this.server.context.clock.now();
    this.reading.heard(bytes);
    if (this.isRetired || this.reports.isReplacing) this.limitLast(bytes);
  }

  damaged(data: Buffer, why: string): void {
    this.heard(data.length);
    this.damagedMessages.dropped(data, why);
  }

  frame(data: Buffer, binary: boolean, isRecord: boolean): void {
    this.handler.frame(data, binary, isRecord);
  }

  pong(payload: Buffer): void {
    this.heardAt = this.server.context.clock.now();
    this.handler.pong(payload);
  }

  ended(end: RemoteEnd, at: number): void {
    this.connection = undefined;
    this.readInVain = 0;
    this.reading.end();
    this.lifetime.end();
    if (this.isClosing) {
      this.whenGone();
      return;
    }
    const shown = this.reports.ended(end, this.isLive);
    this.isLive = false;
    this.handler.lost(shown, shown.kind === 'silent' ? this.heardAt : at);
    tell(this.actor, { type: 'LOST' });
  }

  // --- within

  /** A connection that is being closed is read, as the answer of the server is behind its messages: those need a limit. */
  private limitLast(bytes: number): void {
    if (!this.reading.isPaused) return;
    this.readInVain += bytes;
    if (this.readInVain >= MAX_WHILE_PAUSED) this.cut();
  }

  private replace(cause: ReplaceCause, why: () => string): void {
    if (this.isClosing || this.reports.isReplacing || this.handler.takesOver(cause, why)) return;
    this.reports.replacing(cause, why());
    tell(this.actor, { type: 'REPLACE' });
  }
}
