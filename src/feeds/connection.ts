import type { Frame } from '../core/frame.ts';
import type { Message } from '../core/message.ts';
import type {
  RemoteEnd,
  RemoteEndKind,
  RemoteHandler,
  RemoteRequest,
  RemoteSocket,
  RemoteTarget,
} from '../core/remote.ts';
import { formatDuration } from '../core/units.ts';
import type { RemoteSettings } from '../sdk/connect-settings.ts';
import type { ComponentContext, GatewayPorts } from '../sdk/context.ts';
import { handshakeValues, type RemoteUrl } from '../sdk/handshake.ts';
import type { Template } from '../sdk/template.ts';
import type { Dial } from '../telemetry/tracing.ts';
import { Heartbeat } from './heartbeat.ts';
import { Incoming } from './incoming.ts';
import type { RemoteMetrics } from './metrics.ts';
import { Outbox, type OutboxHandler } from './outbox.ts';
import type { Redaction } from './redaction.ts';
import { ReplaceRequests } from './replace-requests.ts';
import { requestOf, withFields } from './request.ts';
import { SubscribeHandshake } from './subscribe-handshake.ts';

/** Milliseconds for the closing handshake; then the socket is terminated. */
const CLOSE_TIMEOUT = 3_000;

/** What is the same for all connections to a server. */
export interface Server {
  readonly url: RemoteUrl;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: RemoteSettings;
  /** Sent after `subscribe` if there is a cursor. */
  readonly resume?: Template | undefined;
  readonly metrics: RemoteMetrics;
  readonly context: Pick<ComponentContext, 'path' | 'clock' | 'logger'> & {
    readonly gateway: Pick<GatewayPorts, 'dial' | 'tracing'>;
  };
}

/** What a connection reports. */
export interface ConnectionHandler extends OutboxHandler {
  /** Where the server should continue; undefined if nothing was received yet. */
  lastCursor(): unknown;
  /** The opening handshake of WebSocket is done. */
  connected(): void;
  /** No reply to `subscribe` is waited for any more. Messages of the server may follow, and at the latest `subscribed`. */
  replied(): void;
  /** All messages of `subscribe` are sent, and all replies have come. */
  subscribed(): void;
  /** The connection is useless and has to be cut. */
  stale(): void;
  /** The server asks for a new connection in place of this one, by a message that may be shown as quoted. */
  replacementAsked(quoted: string): void;
  /** A message of this many bytes was read. */
  heard(bytes: number): void;
  /** A message that cannot be decompressed, and why not. */
  damaged(data: Buffer, why: string): void;
  /** A message that is not a reply to `subscribe`. */
  frame(data: Buffer, binary: boolean): void;
  pong(payload: Buffer): void;
  /** Exactly once, nothing follows. The reason may be shown. */
  ended(end: RemoteEnd): void;
}

/** One socket to a server, from the first packet until it is gone. It reports; the machine of the dialer decides. */
export class Connection {
  readonly socket: RemoteSocket;
  private readonly outbox: Outbox;
  private readonly incoming: Incoming;
  private readonly server: Server;
  private readonly redaction: Redaction;
  private readonly handler: ConnectionHandler;
  private readonly span: Dial | undefined;
  private subscribing: SubscribeHandshake | undefined;
  private heartbeat: Heartbeat | undefined;
  private token: string | undefined;
  /** Why the connection is cut, in words that may be shown. */
  private cutReason: { readonly kind: RemoteEndKind; readonly why: string } | undefined;
  private readonly requests: ReplaceRequests | undefined;
  private isClosing = false;
  /** Whether messages that arrive are ignored. */
  private isDeaf = false;
  private cancelTimer: () => void;

  constructor(server: Server, redaction: Redaction, handler: ConnectionHandler) {
    const { name, settings, metrics, context } = server;
    this.server = server;
    this.redaction = redaction;
    this.handler = handler;
    this.requests = this.replaceRequests();
    this.cancelTimer = context.clock.after(settings.connect_timeout, () =>
      this.giveUp(`there was no answer within ${formatDuration(settings.connect_timeout)}`),
    );
    this.span = context.gateway.tracing.dialling(context.path, name);
    const target = targetOf(settings, (token) => this.request(token));
    this.socket = context.gateway.dial(target, this.socketHandler());
    const { socket } = this;
    this.outbox = new Outbox({ socket, rate: settings.send_rate, clock: context.clock, metrics, handler });
    this.incoming = this.makeIncoming();
  }

  /** Sends the messages of `subscribe`; `subscribed` follows. */
  subscribe(): void {
    const { settings, resume, metrics, context } = this.server;
    this.subscribing = new SubscribeHandshake({
      subscription: settings.subscribe,
      resume,
      values: this.values(this.token),
      clock: context.clock,
      send: (text, sent) => {
        this.redaction.sent(text);
        this.outbox.send({ data: text, binary: false }, sent);
      },
      replied: () => this.handler.replied(),
      done: () => this.handler.subscribed(),
      failed: ({ kind, why }) => this.giveUp(`${why}; ${this.redaction.quoted(this.subscribing?.lastHeard)}`, kind),
      pass: (data, binary) => this.pass(data, binary),
      dropped: (data) => {
        metrics.received.value += 1;
        metrics.receivedBytes.value += data.length;
        metrics.dropped('refused');
      },
    });
    this.subscribing.start();
  }

  startHeartbeat(): Heartbeat {
    const heartbeat = new Heartbeat({
      settings: this.server.settings.heartbeat,
      values: () => this.values(this.token),
      socket: this.socket,
      outbox: this.outbox,
      clock: this.server.context.clock,
      stale: (why) => this.giveUp(why),
    });
    this.heartbeat = heartbeat;
    heartbeat.start();
    return heartbeat;
  }

  send(frame: Frame, written?: (isWritten: boolean) => void): void {
    this.outbox.send(frame, undefined, written);
  }

  /** Sends a ping behind the messages so far. */
  ping(payload: Buffer): void {
    this.outbox.pingBehind(payload);
  }

  /** Whether a message would be sent at once. If not, `ready` follows. */
  mayTake(): boolean {
    return this.outbox.mayTake();
  }

  /** Ends the socket without a closing handshake. */
  cut(): void {
    this.socket.terminate();
  }

  /** Starts the closing handshake. `isDeaf`: messages that arrive from now on are ignored, as they could not be settled. */
  close(isDeaf: boolean): void {
    this.isClosing = true;
    this.isDeaf = isDeaf;
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
      onPing: (payload) => {
        if (!this.isClosing) this.outbox.pong(payload);
      },
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
    // A server whose message was too large is being cut off.
    if (this.isDeaf || this.cutReason !== undefined) return;
    this.incoming.take(data, binary);
  }

  /** A message that is meant for the subscribe handshake or for the pipeline. */
  private take(data: Buffer, binary: boolean): void {
    if (this.subscribing === undefined) this.pass(data, binary);
    else this.subscribing.take(data, binary);
  }

  private pass(data: Buffer, binary: boolean): void {
    if (!this.isDeaf) this.handler.frame(data, binary);
  }

  private replaceRequests(): ReplaceRequests | undefined {
    const { on } = this.server.settings.reconnect;
    if (on === undefined) return undefined;
    return new ReplaceRequests({
      on,
      asked: (data) => {
        if (!this.isClosing) this.handler.replacementAsked(this.redaction.quoted(data));
      },
      pass: (data, binary) => this.take(data, binary),
    });
  }

  // --- within

  private makeIncoming(): Incoming {
    const { handler, outbox } = this;
    const { settings } = this.server;
    return new Incoming({
      settings,
      heard: (data) => {
        this.heartbeat?.heard(data);
        handler.heard(data.length);
      },
      answer: (data) => {
        if (!this.isClosing) outbox.reply(data);
      },
      pass: (data, binary) => {
        if (this.requests === undefined) this.take(data, binary);
        else this.requests.take(data, binary);
      },
      damaged: (data, why) => handler.damaged(data, why),
      tooLarge: (why) => this.giveUp(why, 'too_big'),
    });
  }

  /** The request of the opening handshake, once the token is known. */
  private request(token: string | undefined): RemoteRequest {
    const { url, settings } = this.server;
    this.redaction.begin(token);
    const request = requestOf(url, settings, this.values(token));
    this.redaction.asked(request);
    return this.span === undefined ? request : withFields(request, this.span.fields);
  }

  /** What the expressions in texts for the server are evaluated on. */
  private values(token: string | undefined): Message {
    return handshakeValues({ token, cursor: this.handler.lastCursor() });
  }

  private giveUp(why: string, kind: RemoteEndKind = 'silent'): void {
    this.cutReason = { kind, why: this.redaction.shown(why) };
    this.handler.stale();
  }

  private stopTimers(): void {
    this.cancelTimer();
    this.subscribing?.end();
    this.subscribing = undefined;
    this.outbox.end();
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
