import type { Wire } from '../../../src/core/shared-frame.ts';
import type { Socket, SocketHandler } from '../../../src/core/socket.ts';

/** A socket that remembers what was ordered; the test decides how much of what is written leaves. */
export class FakeSocket implements Socket {
  wire: Wire = 'plain';
  readonly remote = '192.0.2.1';
  buffered = 0;
  written = 0;
  partial = 0;
  isStarved = false;
  /** Whether written bytes stay in the buffer, as with a peer that does not read. */
  isStuck = false;
  /** Each write as text. */
  readonly writes: string[] = [];
  /** The last of them as it was handed over. */
  lastWrites: Buffer[] = [];
  /** Everything else that was ordered, in order. */
  readonly orders: string[] = [];
  readonly pings: Buffer[] = [];
  private handler: SocketHandler | undefined;
  private awaitsDrain = false;

  attach(handler: SocketHandler): void {
    this.handler = handler;
  }

  write(bytes: Buffer): void {
    this.writes.push(bytes.toString());
    this.lastWrites = [...this.lastWrites.slice(-2), bytes];
    this.written += bytes.length;
    if (this.isStuck) this.buffered += bytes.length;
  }

  notifyDrain(): void {
    this.awaitsDrain = true;
  }

  pause(): void {
    this.orders.push('pause');
  }

  resume(): void {
    this.orders.push('resume');
  }

  ping(payload: Buffer): void {
    this.orders.push('ping');
    this.pings.push(payload);
  }

  close(code: number, reason: string): void {
    this.orders.push(`close ${code} ${reason}`);
  }

  terminate(): void {
    this.orders.push('terminate');
  }

  // --- what the peer and the network do

  sends(text: string, binary = false): void {
    this.handler?.onFrame(Buffer.from(text), binary);
  }

  sendsPing(): void {
    this.handler?.onPing();
  }

  pongs(payload: Buffer = Buffer.alloc(0)): void {
    this.handler?.onPong(payload);
  }

  /** Everything that was buffered has left. */
  drains(): void {
    this.buffered = 0;
    if (!this.awaitsDrain) return;
    this.awaitsDrain = false;
    this.handler?.onDrain();
  }

  closes(code = 1000, reason = ''): void {
    this.handler?.onClose(code, reason);
  }

  /** Writes since the last call. */
  taken(): string[] {
    return this.writes.splice(0);
  }
}
