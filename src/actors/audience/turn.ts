/** What a turn of the event loop has gathered goes on at its end. */
export interface TurnEnd<C, M> {
  /** Messages that connections have read. */
  passOn(messages: readonly M[]): void;
  /** Frames for every member, in order: one chunk a member. */
  fanOut(chunk: Buffer, frames: readonly Buffer[]): void;
  /** Connections that have answers to write. */
  flush(connections: readonly C[]): void;
}

/**
 * With so much, messages go on before the turn ends: Node reads a busy socket up to 32 times in one turn, 2 MiB, and the gate cannot
 * shut before it is told of them.
 */
const MOST = { messages: 1_024, bytes: 262_144 };

/**
 * Gathers what one turn of the event loop brings, and hands it on once, after everything that this turn's reads brought
 * (a microtask would see one frame at a time).
 */
export class Turn<C, M extends { readonly payload: Uint8Array }> {
  private readonly end: TurnEnd<C, M>;
  private messages: M[] = [];
  private bytes = 0;
  private frames: Buffer[] = [];
  private connections: C[] = [];
  private isPlanned = false;
  private isHurried = false;

  constructor(end: TurnEnd<C, M>) {
    this.end = end;
  }

  collect(message: M): void {
    this.messages.push(message);
    this.bytes += message.payload.length;
    if (this.messages.length >= MOST.messages || this.bytes >= MOST.bytes) this.hurry();
    this.plan();
  }

  /** A frame for every member. */
  tell(frame: Buffer): void {
    this.frames.push(frame);
    this.plan();
  }

  dirty(connection: C): void {
    this.connections.push(connection);
    this.plan();
  }

  /** Sends frames out before the turn ends: they are for those who are members by now. */
  fanOut(): void {
    const { frames } = this;
    if (frames.length === 0) return;
    this.frames = [];
    this.end.fanOut(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames), frames);
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    setImmediate(() => this.finish());
  }

  /** After this read of the socket, and before the next. */
  private hurry(): void {
    if (this.isHurried) return;
    this.isHurried = true;
    process.nextTick(() => {
      this.isHurried = false;
      this.passOn();
    });
  }

  private passOn(): void {
    const { messages } = this;
    if (messages.length === 0) return;
    this.messages = [];
    this.bytes = 0;
    this.end.passOn(messages);
  }

  private finish(): void {
    this.isPlanned = false;
    this.passOn();
    this.fanOut();
    const { connections } = this;
    this.connections = [];
    this.end.flush(connections);
  }
}
