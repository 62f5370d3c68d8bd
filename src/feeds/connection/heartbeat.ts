import { timePayload } from '../../actors/endpoint/pings.ts';
import type { Clock } from '../../core/clock.ts';
import type { Message } from '../../core/message.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import { formatDuration } from '../../core/units.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { ConnectTemplate } from '../../sdk/connect-template.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { FrameQueue } from '../queues/frame-queue.ts';
import type { Outbox } from '../sending/outbox.ts';
import { madeText } from '../subscribe/opening-texts.ts';

export interface HeartbeatOptions {
  readonly settings: RemoteSettings['heartbeat'];
  /** What `send.message` can use at that moment. */
  readonly values: () => Message;
  readonly socket: RemoteSocket;
  readonly outbox: Outbox;
  /** A text that may have secrets in it is about to be sent. */
  readonly sent: (text: string) => void;
  readonly clock: Clock;
  /** The server is silent, or its heartbeat cannot be made; `why` is logged. */
  readonly stale: (why: string) => void;
  /** Of messages that wait for `expect.frame`. */
  readonly backlog: BacklogHandler;
}

const NOTHING = () => {};

/**
 * Detects a dead connection. Anything that is read shows that the server is alive, even half a frame. While the socket
 * is not read the timers are stopped, because nothing of the server can arrive.
 */
export class Heartbeat {
  private readonly options: HeartbeatOptions;
  private heardBytes = 0;
  private expectedAt = 0;
  private isHeld = false;
  private isOver = false;
  /** Whether a ping waits to be sent. */
  private isPingWaiting = false;
  /** undefined if every message is one that `expect` asks for, or without `expect`. */
  private readonly expected: FrameQueue<boolean> | undefined;
  private cancelPing = NOTHING;
  private cancelSend = NOTHING;
  private cancelExpect = NOTHING;

  constructor(options: HeartbeatOptions) {
    const frame = options.settings.expect?.frame;
    this.options = options;
    this.expected =
      frame &&
      new FrameQueue({
        evaluate: frame,
        decide: (isExpected) => {
          if (isExpected) this.expectedAt = options.clock.elapsed();
        },
        backlog: options.backlog,
      });
  }

  start(): void {
    this.startListening();
    this.sendLater();
  }

  stop(): void {
    this.isOver = true;
    this.expected?.clear();
    this.cancelPing();
    this.cancelSend();
    this.cancelExpect();
  }

  /** The socket is not read for a while. Messages are still sent. */
  hold(): void {
    this.isHeld = true;
    this.cancelPing();
    this.cancelExpect();
  }

  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.startListening();
  }

  /** A message came. */
  heard(data: Buffer): void {
    const { settings, clock } = this.options;
    if (settings.expect === undefined) return;
    if (this.expected === undefined) this.expectedAt = clock.elapsed();
    else this.expected.take(data, false);
  }

  private startListening(): void {
    const { settings, clock } = this.options;
    if (settings.ping > 0 && !this.isPingWaiting) this.cancelPing = clock.after(settings.ping, this.ping);
    if (settings.expect === undefined) return;
    this.expectedAt = clock.elapsed();
    this.cancelExpect = clock.after(settings.expect.within, this.checkExpected);
  }

  private readonly ping = (): void => {
    this.isPingWaiting = true;
    this.options.outbox.beat(this.sendPing);
  };

  /** The server has `timeout` from when the ping is really sent. */
  private readonly sendPing = (): void => {
    const { settings, socket, clock } = this.options;
    this.isPingWaiting = false;
    this.heardBytes = socket.bytesRead;
    socket.ping(timePayload());
    if (!this.isHeld) this.cancelPing = clock.after(settings.timeout, this.checkPing);
  };

  private readonly checkPing = (): void => {
    const { settings, socket, clock, stale } = this.options;
    if (socket.bytesRead === this.heardBytes)
      stale(`nothing was read for ${formatDuration(settings.timeout)} after a ping`);
    else this.cancelPing = clock.after(Math.max(0, settings.ping - settings.timeout), this.ping);
  };

  private readonly checkExpected = (): void => {
    const { settings, clock, stale } = this.options;
    const within = settings.expect?.within ?? 0;
    const left = this.expectedAt + within - clock.elapsed();
    if (left > 0) this.cancelExpect = clock.after(left, this.checkExpected);
    else stale(`the message that heartbeat.expect asks for did not come within ${formatDuration(within)}`);
  };

  private sendLater(): void {
    const { settings, clock } = this.options;
    const { send } = settings;
    if (send !== undefined) this.cancelSend = clock.after(send.every, () => this.sendMade(send.message));
  }

  private sendMade(make: ConnectTemplate): void {
    try {
      const made = madeText(make, this.options.values(), 'heartbeat.send.message');
      if (made instanceof Promise) void made.then(this.sendText, this.cannotSend);
      else this.sendText(made);
    } catch (error) {
      this.cannotSend(error);
    }
  }

  /** It is made before it has its place in the rate: a promise between the two would send it too late. */
  private readonly sendText = (text: string | undefined): void => {
    if (this.isOver) return;
    if (text === undefined) {
      this.sendLater();
      return;
    }
    const { outbox, settings, sent } = this.options;
    if ((settings.send?.message.uses.length ?? 0) > 0) sent(text);
    outbox.beat(() => {
      outbox.transmit({ data: text, binary: false });
      this.sendLater();
    });
  };

  private readonly cannotSend = (error: unknown): void => {
    if (!this.isOver) this.options.stale((error as Error).message);
  };
}
