/*
 * Senders as fast as they are let: each keeps `window` frames unsettled. Against the gateway a frame is settled by its
 * ACK. The baselines acknowledge nothing, so there a frame is settled when the topic has it: the bench tells how many
 * records the topic holds, every few milliseconds, and the windows of all senders move on together.
 */
import { serve } from '../child.ts';
import { envelope, TYPE_AT, textFrame } from './frames.ts';
import { RawSocket } from './raw-socket.ts';

interface StartOptions {
  readonly port: number;
  readonly senders: number;
  readonly window: number;
  readonly payloadBytes: number;
  readonly pace: 'acks' | 'offsets';
}

const ACK = 'A'.charCodeAt(0);
const ERROR = 'E'.charCodeAt(0);

class Sender {
  sent = 0;
  acked = 0;
  errors = 0;
  readonly socket: RawSocket;
  private readonly burst: Buffer;
  private readonly frameBytes: number;
  private due = 0;

  private constructor(socket: RawSocket, burst: Buffer, frameBytes: number) {
    this.socket = socket;
    this.burst = burst;
    this.frameBytes = frameBytes;
  }

  static async open({ port, window, payloadBytes, pace }: StartOptions): Promise<Sender> {
    const frame = textFrame(envelope(payloadBytes));
    let sender: Sender | undefined;
    const socket = await RawSocket.open({
      port,
      onFrame: (buffer, start) => {
        if (buffer[start + TYPE_AT] === ACK) sender?.hearAck();
        else if (buffer[start + TYPE_AT] === ERROR && sender !== undefined) sender.errors += 1;
      },
      onRead: () => {
        if (pace === 'acks') sender?.sendDue();
      },
    });
    sender = new Sender(socket, Buffer.concat(Array.from({ length: window }, () => frame)), frame.length);
    return sender;
  }

  send(frames: number): void {
    for (let left = frames; left > 0; ) {
      const bytes = Math.min(left * this.frameBytes, this.burst.length);
      this.socket.write(this.burst.subarray(0, bytes));
      left -= bytes / this.frameBytes;
    }
    this.sent += frames;
  }

  private hearAck(): void {
    this.acked += 1;
    this.due += 1;
  }

  private sendDue(): void {
    if (this.due > 0 && !isStopped) this.send(this.due);
    this.due = 0;
  }
}

let senders: Sender[] = [];
/** Frames that each sender may have unsettled now. */
let width = 1;
let isStopped = false;

const total = (figure: 'sent' | 'acked' | 'errors') => senders.reduce((all, sender) => all + sender[figure], 0);

serve({
  start: async (options: StartOptions) => {
    senders = await Promise.all(Array.from({ length: options.senders }, () => Sender.open(options)));
    for (const sender of senders) sender.send(width);
  },
  /** Opens the window: the first frames went alone, because a kafkajs producer asks for metadata in each send until it has them. */
  widen: (window: number) => {
    for (const sender of senders) sender.send(window - width);
    width = window;
  },
  /** How many records the topic holds. */
  stored: (records: number) => {
    const room = records + senders.length * width - total('sent');
    if (isStopped || room < senders.length) return;
    const share = Math.floor(room / senders.length);
    for (const sender of senders) sender.send(share);
  },
  stop: () => {
    isStopped = true;
  },
  figures: () => ({
    sent: total('sent'),
    acked: total('acked'),
    errors: total('errors'),
    open: senders.filter(({ socket }) => socket.isOpen).length,
  }),
});
