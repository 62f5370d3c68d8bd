import type { RemoteSocket } from '../../core/remote.ts';
import type { Subscription } from '../../sdk/connect-messages.ts';
import type { ConnectTemplate } from '../../sdk/connect-template.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { openingOf, type ReadyStep } from './opening-texts.ts';
import { PendingOpening } from './pending-opening.ts';
import { SubscribeHandshake, type SubscribeHandshakeOptions } from './subscribe-handshake.ts';

export interface SubscribingOptions extends Omit<SubscribeHandshakeOptions, 'opening' | 'interval' | 'backlog'> {
  readonly subscription: Subscription;
  /** Sent after the messages of `subscribe` if there is a cursor. */
  readonly resume?: ConnectTemplate | undefined;
  /** `resume`: unless something else has paused it. */
  readonly socket: Pick<RemoteSocket, 'pause' | 'resume'>;
}

/** The subscription of a connection: its messages are made, for which JSONata may need a moment, and then sent. */
export class Subscribing {
  private readonly options: SubscribingOptions;
  /** While the messages are made. */
  private pending: PendingOpening | undefined;
  private handshake: SubscribeHandshake | undefined;
  private isBehind = false;

  constructor(options: SubscribingOptions) {
    this.options = options;
  }

  /** The last message of the server, before it has let us in, that was not a reply. */
  get lastHeard(): Buffer | undefined {
    return this.handshake?.lastHeard;
  }

  /** When the next message may be sent, by `Clock.elapsed`. */
  get mayStartAt(): number | undefined {
    return this.handshake?.mayStartAt;
  }

  /** Whether the socket is paused: the messages are being made, or too many of the server wait for their expressions. */
  get isHolding(): boolean {
    return this.pending !== undefined || this.isBehind;
  }

  get isOpen(): boolean {
    return this.handshake?.isOpen === true;
  }

  start(): void {
    const { subscription, resume, values, notMade } = this.options;
    try {
      const opening = openingOf(subscription.messages, resume, values());
      if (opening instanceof Promise) this.beginOnce(opening);
      else this.begin(opening);
    } catch (error) {
      notMade((error as Error).message);
    }
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    if (this.pending !== undefined) this.pending.push(data, binary, true);
    else this.handshake?.take(data, binary);
  }

  /** Passes a message on, in its place, that something else has taken, so that it is no record. */
  takeTaken(data: Buffer): void {
    if (this.pending !== undefined) this.pending.push(data, false, false);
    else this.handshake?.takeTaken(data);
  }

  /** Does this once all messages so far are decided. */
  inTurn(work: () => void): void {
    if (this.handshake === undefined) work();
    else this.handshake.inTurn(work);
  }

  /** The connection ends. */
  end(): void {
    const { pending, handshake, options } = this;
    handshake?.end();
    if (pending === undefined) return;
    this.pending = undefined;
    for (const { data, isRecord } of pending.end()) if (isRecord) options.dropped(data);
    // The answer to the closing handshake has to be read.
    options.socket.resume();
  }

  private beginOnce(making: Promise<readonly ReadyStep[]>): void {
    const { socket, notMade } = this.options;
    socket.pause();
    this.pending = new PendingOpening({
      making,
      made: (opening, early) => {
        this.pending = undefined;
        socket.resume();
        this.begin(opening);
        for (const { data, binary, isRecord } of early)
          if (isRecord) this.take(data, binary);
          else this.takeTaken(data);
      },
      failed: ({ message }) => notMade(message),
    });
  }

  private begin(opening: readonly ReadyStep[]): void {
    const { subscription } = this.options;
    const interval = subscription.interval ?? 0;
    this.handshake = new SubscribeHandshake({ ...this.options, opening, interval, backlog: this.backlog() });
    this.handshake.start();
  }

  private backlog(): BacklogHandler {
    const { socket } = this.options;
    return {
      full: () => {
        this.isBehind = true;
        socket.pause();
      },
      drained: () => {
        this.isBehind = false;
        socket.resume();
      },
    };
  }
}
