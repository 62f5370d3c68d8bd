import type { Frame } from '../../core/frame.ts';
import { Message } from '../../core/message.ts';
import type { RemoteHandler, RemoteSocket } from '../../core/remote.ts';

/** A WebSocket server in memory: it lets every client in, takes every frame, and answers pings. */
export class LawRemote implements RemoteSocket {
  bytesRead = 0;
  readonly buffered = 0;
  readonly unsent = 0;
  isOpen = false;
  private isPaused = false;
  private isOver = false;
  private readonly waiting: Buffer[] = [];
  private readonly handler: RemoteHandler;
  private readonly took: (message: Message) => void;

  constructor(handler: RemoteHandler, took: (message: Message) => void) {
    this.handler = handler;
    this.took = took;
    setImmediate(() => {
      if (this.isOver) return;
      this.isOpen = true;
      handler.onOpen(undefined);
    });
  }

  send({ data }: Frame, written?: (isWritten: boolean) => void): void {
    this.took(new Message(Buffer.from(data)));
    if (written !== undefined) setImmediate(() => written(!this.isOver));
  }

  ping(payload: Buffer): void {
    setImmediate(() => {
      if (!this.isOver) this.handler.onPong(payload);
    });
  }

  pong(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const data of this.waiting.splice(0)) this.give(data);
  }

  close(code: number, reason: string): void {
    this.end(code, reason);
  }

  terminate(): void {
    this.end(1006, 'terminated');
  }

  /** A frame of the server. */
  give(data: Buffer): void {
    if (!this.isOpen || this.isOver) return;
    if (this.isPaused) {
      this.waiting.push(data);
      return;
    }
    this.bytesRead += data.length;
    this.handler.onFrame(data, false);
  }

  private end(code: number, reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isOpen = false;
    setImmediate(() => this.handler.onClose({ kind: 'closed', code, reason }));
  }
}
