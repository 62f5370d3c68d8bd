import type { Message } from '../../core/message.ts';
import type { RemoteEnd, RemoteEndKind, RemoteHandler, RemoteSocket } from '../../core/remote.ts';
import { formatDuration } from '../../core/units.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import type { Dial } from '../../telemetry/tracing.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import type { Redaction } from '../reports/redaction.ts';
import { ConnectRequest } from '../request/connect-request.ts';
import { Outbox } from '../sending/outbox.ts';
import { UnreadAnswers } from '../sending/unread-answers.ts';
import { AnswerTexts } from '../subscribe/answer-texts.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { Heartbeat } from './heartbeat.ts';
import { Inbound } from './inbound.ts';
import type { Block, Reading } from './reading.ts';
import { type Server, targetOf } from './server.ts';
import { Subscriptions } from './subscriptions.ts';

/** Milliseconds for the closing handshake; then the socket is terminated. */
const CLOSE_TIMEOUT = 3_000;

/** One socket to a server, from the first packet until it is gone. It reports; the machine of the dialer decides. */
export class Connection {
  readonly socket: RemoteSocket;
  readonly outbox: Outbox;
  private readonly inbound: Inbound;
  private readonly subscriptions: Subscriptions;
  private readonly answers: AnswerTexts;
  private readonly unread: UnreadAnswers;
  private readonly server: Server;
  private readonly redaction: Redaction;
  private readonly reading: Reading;
  private readonly handler: ConnectionHandler;
  private readonly span: Dial | undefined;
  private readonly request: ConnectRequest;
  private heartbeat: Heartbeat | undefined;
  /** Why the connection is cut, in words that may be shown. */
  private cutReason: { readonly kind: RemoteEndKind; readonly why: string } | undefined;
  private isClosing = false;
  /** Whether the socket has ended. */
  private isGone = false;
  private isEnded = false;
  /** Whether messages that arrive are ignored. */
  private isDeaf = false;
  private cancelTimer: () => void;

  constructor(server: Server, redaction: Redaction, reading: Reading, handler: ConnectionHandler) {
    const { name, settings, metrics, context } = server;
    this.server = server;
    this.redaction = redaction;
    this.reading = reading;
    this.handler = handler;
    this.cancelTimer = context.clock.after(settings.connect_timeout, () => this.connectTimedOut());
    this.span = context.gateway.tracing.dialling(context.path, name);
    this.request = this.makeRequest();
    const target = targetOf(settings, (token, signal) => this.request.make(token, signal));
    this.socket = context.gateway.dial(target, this.socketHandler());
    const { socket } = this;
    const answers = { ...this.backlogOf('answers'), ready: () => handler.ready() };
    this.outbox = new Outbox({ socket, rate: settings.send_rate, clock: context.clock, metrics, handler: answers });
    this.answers = new AnswerTexts({ name, redaction, context, values: () => this.request.values() });
    this.unread = new UnreadAnswers({
      socket,
      clock: context.clock,
      backlog: this.backlogOf('unread'),
      over: (why) => this.giveUp(why),
    });
    this.inbound = this.makeInbound();
    this.subscriptions = this.makeSubscriptions();
  }

  /** Sends the messages of `subscribe`; `subscribed` follows. */
  subscribe(): void {
    this.subscriptions.open();
  }

  /** The connection is live, or the symbols have changed while it is. */
  resubscribe(): void {
    if (!this.isGone) this.subscriptions.update();
  }

  startHeartbeat(): Heartbeat {
    const heartbeat = new Heartbeat({
      settings: this.server.settings.heartbeat,
      values: () => this.request.values(),
      socket: this.socket,
      outbox: this.outbox,
      sent: (text) => this.redaction.answered(text),
      clock: this.server.context.clock,
      stale: (why) => this.giveUp(why),
      backlog: this.backlogOf('heartbeat'),
    });
    this.heartbeat = heartbeat;
    heartbeat.start();
    return heartbeat;
  }

  /** Answers a message that this connection has received. */
  answer(make: AnswerTemplate, message: Message): void {
    this.answers.make(make, message, this.sendText);
  }

  /** Starts the closing handshake. `isDeaf`: messages that arrive from now on are ignored, as they could not be settled. */
  close(isDeaf: boolean): void {
    this.isClosing = true;
    this.isDeaf = isDeaf;
    this.answers.whenMade(() => {
      this.stopTimers();
      this.cancelTimer = this.server.context.clock.after(CLOSE_TIMEOUT, () => this.socket.terminate());
      this.socket.close(1000, 'closed');
    });
  }

  /** Calls back once all messages that were received are passed on. */
  whenDecided(done: () => void): void {
    this.inbound.whenDecided(done);
  }

  // --- from the socket

  private socketHandler(): RemoteHandler {
    const { handler } = this;
    return {
      onOpen: () => {
        this.cancelTimer();
        this.span?.end();
        handler.connected();
      },
      onFrame: (data, binary) => this.frame(data, binary),
      onPing: (payload) => {
        if (!this.isClosing) this.outbox.pong(payload);
      },
      onPong: (payload) => {
        if (!this.isClosing) handler.pong(payload);
      },
      onClose: (end) => this.gone(this.shown(end)),
    };
  }

  /**
   * The socket has ended. What it has received belongs to this connection: it is passed on before the end is reported, so before
   * there is another one, also if expressions need a moment for it.
   */
  private gone(shown: RemoteEnd): void {
    const at = this.server.context.clock.now();
    this.isGone = true;
    this.span?.end(shown.reason);
    this.stopTimers();
    const report = () => {
      this.isEnded = true;
      this.handler.ended(shown, at);
    };
    if (this.isDeaf) report();
    else this.inbound.whenDecided(report);
  }

  private frame(data: Buffer, binary: boolean): void {
    // A server whose message was too large is being cut off.
    if (this.isDeaf || this.cutReason !== undefined) return;
    this.inbound.take(data, binary);
  }

  private pass(data: Buffer, binary: boolean, isRecord: boolean): void {
    if (!this.isDeaf) this.handler.frame(data, binary, isRecord);
  }

  // --- within

  private backlogOf(block: Block): BacklogHandler {
    const { reading } = this;
    // What still waits when the connection has ended delays no other one.
    const unlessEnded = (report: () => void) => () => {
      if (!this.isEnded) report();
    };
    return { full: unlessEnded(() => reading.block(block)), drained: unlessEnded(() => reading.unblock(block)) };
  }

  private makeInbound(): Inbound {
    const { server, handler, socket, reading } = this;
    return new Inbound({
      server,
      socket,
      mayRead: () => reading.mayRead,
      heard: (data) => {
        this.heartbeat?.heard(data);
        handler.heard(data.length);
      },
      answer: (make, message) => {
        if (!this.isClosing) this.answers.make(make, message, this.reply);
      },
      asked: (data) => {
        if (!this.isClosing && !this.isGone) handler.replacementAsked(() => this.redaction.quoted(data));
      },
      pass: (data, binary, isRecord) => this.pass(data, binary, isRecord),
      damaged: (data, why) => handler.damaged(data, why),
      tooLarge: (why) => this.giveUp(why, 'too_big'),
      backlogOf: (block) => this.backlogOf(block),
    });
  }

  private makeSubscriptions(): Subscriptions {
    const { server, redaction, request, socket, outbox, inbound, handler } = this;
    return new Subscriptions({
      server,
      redaction,
      request,
      socket,
      outbox,
      inbound,
      backlog: this.backlogOf('expect'),
      replied: () => handler.replied(),
      subscribed: () => handler.subscribed(),
      failed: (why, kind) => this.giveUp(why, kind),
      pass: (data, binary, isRecord) => this.pass(data, binary, isRecord),
    });
  }

  private readonly sendText = (text: string): void => this.outbox.send({ data: text, binary: false }, this.unread.sent);

  private readonly reply = (text: string): void => {
    if (!this.isClosing) this.outbox.reply(text);
  };

  private makeRequest(): ConnectRequest {
    const { url, settings, context } = this.server;
    return new ConnectRequest({
      url,
      settings,
      redaction: this.redaction,
      connects: () => this.handler.connects(),
      lastCursor: () => this.handler.lastCursor(),
      now: () => context.clock.now(),
      fields: () => this.span?.fields ?? [],
    });
  }

  private connectTimedOut(): void {
    const { asking } = this.request;
    const asked = asking === undefined ? 'there was no answer' : `there was no answer to ${asking}`;
    this.giveUp(`${asked} within ${formatDuration(this.server.settings.connect_timeout)}`);
  }

  private giveUp(why: string, kind: RemoteEndKind = 'silent'): void {
    this.cutReason = { kind, why: this.redaction.shown(why) };
    this.handler.stale();
  }

  private stopTimers(): void {
    this.cancelTimer();
    this.subscriptions.end();
    this.answers.end();
    this.outbox.end();
    this.unread.end();
    this.heartbeat?.stop();
    this.heartbeat = undefined;
  }

  /** The end with a reason that may be shown. */
  private shown({ kind, code, reason }: RemoteEnd): RemoteEnd {
    const { cutReason } = this;
    if (cutReason !== undefined) return { kind: cutReason.kind, code, reason: cutReason.why };
    return { kind, code, reason: this.subscriptions.explained(this.redaction.shown(reason)) };
  }
}
