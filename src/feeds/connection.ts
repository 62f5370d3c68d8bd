import type { Frame } from '../core/component.ts';
import type { Message } from '../core/message.ts';
import type { RemoteEnd, RemoteHandler, RemoteRequest, RemoteSocket, RemoteTarget } from '../core/remote.ts';
import { formatDuration } from '../core/units.ts';
import type { RemoteSettings } from '../sdk/connect-settings.ts';
import { type ConnectTemplate, connectMessage } from '../sdk/connect-template.ts';
import type { ConnectUrl } from '../sdk/connect-url.ts';
import type { ComponentContext, GatewayPorts } from '../sdk/context.ts';
import { after } from '../sdk/value.ts';
import type { Dial } from '../telemetry/tracing.ts';
import { Heartbeat } from './heartbeat.ts';
import type { RemoteMetrics } from './metrics.ts';
import { checkNamedHost } from './named-host.ts';
import { type Opening, openingOf } from './opening-texts.ts';
import { PendingOpening } from './pending-opening.ts';
import { type Answers, prepare } from './prepare.ts';
import type { Redaction } from './redaction.ts';
import { requestOf, withFields } from './request.ts';
import { type SubscribeFailure, SubscribeHandshake } from './subscribe-handshake.ts';

/** Milliseconds for the closing handshake; then the socket is terminated. */
const CLOSE_TIMEOUT = 3_000;

/** What is the same for all connections to a server. */
export interface Server {
  readonly url: ConnectUrl;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: RemoteSettings;
  /** Sent after `subscribe` if there is a cursor. */
  readonly resume?: ConnectTemplate | undefined;
  readonly metrics: RemoteMetrics;
  readonly context: Pick<ComponentContext, 'path' | 'clock' | 'logger'> & {
    readonly gateway: Pick<GatewayPorts, 'dial' | 'tracing'>;
  };
}

/** What a connection reports. */
export interface ConnectionHandler {
  /** Where the server should continue; undefined if nothing was received yet. */
  lastCursor(): unknown;
  /** The opening handshake of WebSocket is done. */
  connected(): void;
  /** All messages of `subscribe` are sent, and all replies have come. */
  subscribed(): void;
  /** The connection is useless and has to be cut. */
  stale(): void;
  /** A frame of this many bytes was read. */
  heard(bytes: number): void;
  /** A message that is not a reply to `subscribe`. */
  frame(data: Buffer, binary: boolean): void;
  pong(payload: Buffer): void;
  /** Exactly once, nothing follows. The reason may be shown. */
  ended(end: RemoteEnd): void;
}

/** One socket to a server, from the first packet until it is gone. It reports; the machine of the dialer decides. */
export class Connection {
  readonly socket: RemoteSocket;
  private readonly server: Server;
  private readonly redaction: Redaction;
  private readonly handler: ConnectionHandler;
  private readonly span: Dial | undefined;
  /** While the messages of `subscribe` are made. */
  private pending: PendingOpening | undefined;
  private subscribing: SubscribeHandshake | undefined;
  private heartbeat: Heartbeat | undefined;
  private token: string | undefined;
  /** Of the calls of `prepare`. */
  private answers: Answers = {};
  /** The call of `prepare` whose answer is awaited. */
  private asking: string | undefined;
  /** Why the connection is cut, in words that may be shown. */
  private cutReason: SubscribeFailure | undefined;
  private isClosing = false;
  private cancelTimer: () => void;

  constructor(server: Server, redaction: Redaction, handler: ConnectionHandler) {
    const { name, settings, context } = server;
    this.server = server;
    this.redaction = redaction;
    this.handler = handler;
    this.cancelTimer = context.clock.after(settings.connect_timeout, () => {
      const asked = this.asking === undefined ? 'there was no answer' : `there was no answer to ${this.asking}`;
      this.giveUp(`${asked} within ${formatDuration(settings.connect_timeout)}`);
    });
    this.span = context.gateway.tracing.dialling(context.path, name);
    const target = targetOf(settings, (token, signal) => this.request(token, signal));
    this.socket = context.gateway.dial(target, this.socketHandler());
  }

  /** Makes and sends the messages of `subscribe`; `subscribed` follows. */
  subscribe(): void {
    const { settings, resume } = this.server;
    try {
      const opening = openingOf(settings.subscribe, resume, this.values(this.answers));
      if (opening instanceof Promise) this.beginOnce(opening);
      else this.begin(opening);
    } catch (error) {
      this.giveUp((error as Error).message);
    }
  }

  private beginOnce(making: Promise<Opening>): void {
    const { socket } = this;
    socket.pause();
    this.pending = new PendingOpening({
      making,
      made: (opening, early) => {
        this.pending = undefined;
        socket.resume();
        this.begin(opening);
        for (const { data, binary } of early) this.take(data, binary);
      },
      failed: ({ message }) => this.giveUp(message),
    });
  }

  private begin(opening: Opening): void {
    const { context } = this.server;
    this.subscribing = new SubscribeHandshake({
      opening,
      clock: context.clock,
      send: (text) => {
        this.redaction.sent(text);
        this.send({ data: text, binary: false });
      },
      done: () => this.handler.subscribed(),
      failed: ({ kind, why }) => this.giveUp(`${why}; ${this.redaction.quoted(this.subscribing?.lastHeard)}`, kind),
      pass: (data, binary) => this.pass(data, binary),
      dropped: (data) => this.dropped(data),
    });
    this.subscribing.start();
  }

  startHeartbeat(): Heartbeat {
    const heartbeat = new Heartbeat({
      settings: this.server.settings.heartbeat,
      values: () => this.values(this.answers),
      socket: this.socket,
      clock: this.server.context.clock,
      stale: (why) => this.giveUp(why),
    });
    this.heartbeat = heartbeat;
    heartbeat.start();
    return heartbeat;
  }

  send(frame: Frame, written?: (isWritten: boolean) => void): void {
    this.server.metrics.sent.value += 1;
    this.socket.send(frame, written);
  }

  /** Ends the socket without a closing handshake. */
  cut(): void {
    this.socket.terminate();
  }

  /** Starts the closing handshake. Messages that arrive from now on are ignored: they could not be settled. */
  close(): void {
    this.isClosing = true;
    this.stopTimers();
    this.cancelTimer = this.server.context.clock.after(CLOSE_TIMEOUT, () => this.socket.terminate());
    this.socket.close(1000, 'closed');
  }

  // --- from the socket

  private socketHandler(): RemoteHandler {
    const { handler } = this;
    return {
      onOpen: (token) => {
        this.token = token;
        this.cancelTimer();
        this.span?.end();
        handler.connected();
      },
      onFrame: (data, binary) => this.frame(data, binary),
      onPong: (payload) => {
        if (!this.isClosing) handler.pong(payload);
      },
      onClose: (end) => {
        const shown = this.shown(end);
        this.span?.end(shown.reason);
        this.stopTimers();
        handler.ended(shown);
      },
    };
  }

  private frame(data: Buffer, binary: boolean): void {
    if (this.isClosing) return;
    this.heartbeat?.heard(data);
    this.handler.heard(data.length);
    if (this.pending === undefined) this.take(data, binary);
    else this.pending.push(data, binary);
  }

  private take(data: Buffer, binary: boolean): void {
    if (this.subscribing === undefined) this.pass(data, binary);
    else this.subscribing.take(data, binary);
  }

  /** A message that was an answer of the server, which did not let us in. */
  private dropped(data: Buffer): void {
    const { metrics } = this.server;
    metrics.received.value += 1;
    metrics.receivedBytes.value += data.length;
    metrics.dropped('refused');
  }

  private pass(data: Buffer, binary: boolean): void {
    if (!this.isClosing) this.handler.frame(data, binary);
  }

  // --- within

  /** The request of the opening handshake, once the token is known and the calls of `prepare` are answered. */
  private request(token: string | undefined, signal: AbortSignal): RemoteRequest | Promise<RemoteRequest> {
    const { settings } = this.server;
    const { redaction } = this;
    redaction.begin(token);
    this.token = token;
    if (settings.prepare.length === 0) return this.handshake();
    const values = (answers: Answers) => this.values(answers);
    const asking = (what: string) => {
      this.asking = what;
    };
    const { prepare: calls, proxy } = settings;
    return prepare({ calls, values, redaction, proxy, signal, asking }).then((answers) => {
      this.answers = answers;
      this.asking = undefined;
      return this.handshake();
    });
  }

  private handshake(): RemoteRequest | Promise<RemoteRequest> {
    const { url, settings } = this.server;
    return after(requestOf(url, settings, this.values(this.answers)), (request) => {
      if (url.isNamed) checkNamedHost(request.url, settings);
      this.redaction.asked(request);
      return this.span === undefined ? request : withFields(request, this.span.fields);
    });
  }

  /** What the expressions in texts for the server are evaluated on: `meta.now` is the same in all that are made at once. */
  private values(answers: Answers): Message {
    const { settings, context } = this.server;
    const { secrets = {} } = settings;
    const cursor = this.handler.lastCursor();
    return connectMessage({ token: this.token, cursor, now: context.clock.now(), secrets, answers });
  }

  private giveUp(why: string, kind: SubscribeFailure['kind'] = 'silent'): void {
    this.cutReason = { kind, why: this.redaction.shown(why) };
    this.handler.stale();
  }

  private stopTimers(): void {
    this.cancelTimer();
    for (const { data } of this.pending?.end() ?? []) this.dropped(data);
    this.pending = undefined;
    this.subscribing?.end();
    this.subscribing = undefined;
    this.heartbeat?.stop();
    this.heartbeat = undefined;
  }

  /** The end with a reason that may be shown. */
  private shown({ kind, code, reason }: RemoteEnd): RemoteEnd {
    const { cutReason, subscribing } = this;
    if (cutReason !== undefined) return { kind: cutReason.kind, code, reason: cutReason.why };
    const shown = this.redaction.shown(reason);
    const hasAnswered = subscribing?.isOpen === true && subscribing.lastHeard !== undefined;
    return { kind, code, reason: hasAnswered ? `${shown}; ${this.redaction.quoted(subscribing.lastHeard)}` : shown };
  }
}

function targetOf(settings: RemoteSettings, request: RemoteTarget['request']): RemoteTarget {
  const { auth, proxy, tls, compression, max_frame } = settings;
  return { request, auth, proxy, tls, compression, maxFrame: max_frame };
}
