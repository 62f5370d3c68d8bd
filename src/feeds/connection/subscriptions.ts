import type { RemoteEndKind, RemoteSocket } from '../../core/remote.ts';
import type { Step } from '../../sdk/connect-messages.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import type { Redaction } from '../reports/redaction.ts';
import type { ConnectRequest } from '../request/connect-request.ts';
import type { Outbox } from '../sending/outbox.ts';
import { ShardSubscriptions } from '../shards/shard-subscriptions.ts';
import { Subscribing, type SubscribingOptions } from '../subscribe/subscribing.ts';
import type { Inbound } from './inbound.ts';
import type { Server } from './server.ts';

export interface SubscriptionsOptions {
  readonly server: Server;
  readonly redaction: Redaction;
  readonly request: Pick<ConnectRequest, 'values' | 'replied'>;
  readonly socket: Pick<RemoteSocket, 'pause'>;
  readonly outbox: Pick<Outbox, 'send'>;
  readonly inbound: Inbound;
  /** Of messages that wait for replies to a change of the symbols. */
  readonly backlog: BacklogHandler;
  /** As those of a connection: no reply is waited for any more; all messages are sent, and all replies have come. */
  readonly replied: () => void;
  readonly subscribed: () => void;
  /** The server does not let us in, or a message cannot be made. */
  readonly failed: (why: string, kind?: RemoteEndKind) => void;
  readonly pass: (data: Buffer, binary: boolean, isRecord: boolean) => void;
}

/** What a connection subscribes to: the messages of `subscribe` at first, and while it is live the changes of its symbols. */
export class Subscriptions {
  private readonly options: SubscriptionsOptions;
  private readonly symbols: ShardSubscriptions | undefined;

  constructor(options: SubscriptionsOptions) {
    const { sharding, settings } = options.server;
    this.options = options;
    this.symbols =
      sharding &&
      new ShardSubscriptions(sharding, settings.subscribe.messages, (steps, done) => this.change(steps, done));
  }

  /** Sends the messages of `subscribe`. */
  open(): void {
    const { server, socket, inbound, replied, subscribed, failed } = this.options;
    const { subscribe } = server.settings;
    this.begin({
      subscription: { ...subscribe, messages: this.symbols?.opening() ?? subscribe.messages },
      resume: server.resume,
      socket: { pause: () => socket.pause(), resume: () => inbound.resume() },
      replied,
      done: subscribed,
      failed: ({ kind, why }) => failed(this.withAnswer(why), kind),
      notMade: (why) => failed(why),
      dropped: (data) => this.dropped(data),
    });
  }

  /** The connection is live, or the symbols have changed while it is. */
  update(): void {
    this.symbols?.update();
  }

  end(): void {
    this.options.inbound.subscribing?.end();
  }

  /** Why the connection has ended, with what the server said where an answer was waited for. */
  explained(reason: string): string {
    const { subscribing } = this.options.inbound;
    return subscribing?.isOpen === true && subscribing.lastHeard !== undefined ? this.withAnswer(reason) : reason;
  }

  private change(messages: readonly Step[], done: () => void): void {
    const { server, redaction, inbound, backlog, pass } = this.options;
    const { name, settings, context } = server;
    const failed = (why: string) =>
      context.logger.warn({ url: name }, `a change of the symbols of ${name} failed: ${redaction.shown(why)}`);
    this.begin({
      isLive: true,
      socket: { pause: backlog.full, resume: backlog.drained },
      replied: () => {},
      subscription: { ...settings.subscribe, messages },
      notBefore: inbound.subscribing?.mayStartAt,
      done,
      failed: ({ why }) => failed(this.withAnswer(why)),
      notMade: (why) => {
        failed(why);
        done();
      },
      dropped: (data) => pass(data, false, true),
    });
  }

  private begin(
    options: Omit<SubscribingOptions, 'values' | 'named' | 'clock' | 'send' | 'isNumbered' | 'pass'>,
  ): void {
    const { server, redaction, request, outbox, inbound, pass } = this.options;
    const subscribing = new Subscribing({
      ...options,
      values: () => request.values(),
      named: (as, data) => request.replied(as, data),
      clock: server.context.clock,
      send: (text, sent, { frame, hasSecrets }) => {
        redaction.sent(text, hasSecrets);
        outbox.send({ data: text, binary: frame === 'binary' }, sent);
      },
      isNumbered: server.isNumbered === true,
      pass,
    });
    inbound.subscribing = subscribing;
    subscribing.start();
  }

  private withAnswer(why: string): string {
    const { redaction, inbound } = this.options;
    return `${why}; ${redaction.quoted(inbound.subscribing?.lastHeard)}`;
  }

  /** A message that was an answer of the server, which did not let us in. */
  private dropped(data: Buffer): void {
    const { metrics } = this.options.server;
    metrics.received.value += 1;
    metrics.receivedBytes.value += data.length;
    metrics.dropped('refused');
  }
}
