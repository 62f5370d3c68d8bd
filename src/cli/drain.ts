import type { Writable } from 'node:stream';

/**
 * Resolves once all that was written to them has gone to whoever reads, or nobody reads it any more. A pipe takes 64 KiB
 * at a time, and `process.exit` throws away what waits for room in it. `patience`: milliseconds after which a reader that
 * has taken nothing is not waited for any longer; without it he has all the time he wants, as with any command in a pipe.
 */
export async function drained(streams: readonly Writable[], patience?: number): Promise<void> {
  await Promise.all(streams.map((stream) => drain(stream, patience)));
}

/** `head` and `less` close their end when they have seen enough, which Node reports as an error of the stream. */
export function allowClosedReaders(streams: readonly Writable[]): void {
  for (const stream of streams)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}

function drain(stream: Writable, patience: number | undefined): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = stream.writableLength;
    const timer =
      patience === undefined
        ? undefined
        : setInterval(() => {
            if (stream.writableLength === left) done();
            left = stream.writableLength;
          }, patience);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    stream.once('error', done);
    stream.once('close', done);
    stream.write('', done);
  });
}
