import { Duplex } from 'node:stream';

/** Bytes that a client may leave unread before the gateway notices: as much as a socket of the system takes. */
const SYSTEM_BUFFER = 65_536;

/** The gateway's side of a connection in memory: what it writes goes to the client at once, unless that one stalls. */
export class ClientStream extends Duplex {
  readonly remoteAddress: string;
  private readonly received: (bytes: Buffer) => void;
  private isStalled = false;
  /** What the client has not taken yet. */
  private readonly untaken: Buffer[] = [];
  private untakenBytes = 0;
  private goOn: (() => void) | undefined;

  constructor(remoteAddress: string, received: (bytes: Buffer) => void) {
    super({ emitClose: true, allowHalfOpen: false });
    this.remoteAddress = remoteAddress;
    this.received = received;
  }

  /** The client takes nothing any more. */
  stall(): void {
    this.isStalled = true;
  }

  unstall(): void {
    this.isStalled = false;
    for (const bytes of this.untaken.splice(0)) this.received(bytes);
    this.untakenBytes = 0;
    const { goOn } = this;
    this.goOn = undefined;
    goOn?.();
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.isStalled) {
      this.received(bytes);
      done();
      return;
    }
    this.untaken.push(bytes);
    this.untakenBytes += bytes.length;
    if (this.untakenBytes < SYSTEM_BUFFER) done();
    else this.goOn = done;
  }
}
