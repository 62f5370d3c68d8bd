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
 * Gathers what one turn of the event loop brings, and hands it on once, after everything that this turn's reads brought
 * (a microtask would see one frame at a time).
 */
export class Turn<C, M> {
  private readonly end: TurnEnd<C, M>;
  private messages: M[] = [];
  private frames: Buffer[] = [];
  private connections: C[] = [];
  private isPlanned = false;

  constructor(end: TurnEnd<C, M>) {
    this.end = end;
  }

  collect(message: M): void {
    this.messages.push(message);
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

  private finish(): void {
    this.isPlanned = false;
    const { messages } = this;
    if (messages.length > 0) {
      this.messages = [];
      this.end.passOn(messages);
    }
    this.fanOut();
    const { connections } = this;
    this.connections = [];
    this.end.flush(connections);
  }
}
