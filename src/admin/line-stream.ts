import type { Writable } from 'node:stream';

/** Bytes of lines that wait for a reader that is slower than they come. */
const MAX_WAITING = 262_144;

/** Lines for a reader that may be slow: the oldest of those that wait are left out, and counted, so that none waits for it. */
export class LineStream {
  private readonly output: Writable;
  private readonly waiting: string[] = [];
  private bytes = 0;
  private dropped = 0;
  private isFull = false;

  constructor(output: Writable) {
    this.output = output;
    output.on('drain', () => {
      this.isFull = false;
      this.flush();
    });
  }

  /** How many were left out since the last call. */
  takeDropped(): number {
    const { dropped } = this;
    this.dropped = 0;
    return dropped;
  }

  write(line: string): void {
    this.waiting.push(line);
    this.bytes += line.length;
    while (this.bytes > MAX_WAITING && this.waiting.length > 1) {
      this.bytes -= this.waiting.shift()?.length ?? 0;
      this.dropped += 1;
    }
    this.flush();
  }

  /** Ends the output behind what waits. */
  end(line: string): void {
    this.isFull = false;
    this.write(line);
    for (const rest of this.waiting.splice(0)) this.output.write(`${rest}\n`);
    this.output.end();
  }

  private flush(): void {
    while (!this.isFull) {
      const line = this.waiting.shift();
      if (line === undefined) return;
      this.bytes -= line.length;
      this.isFull = !this.output.write(`${line}\n`);
    }
  }
}
