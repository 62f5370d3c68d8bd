import type { Writable } from 'node:stream';

/**
 * Resolves once everything that was written to them has been read, or the reader has closed its end. A pipe takes 64 KiB
 * at a time, and `process.exit` discards what waits for room in it. `timeout`: milliseconds after which a reader that
 * has read nothing is waited for no longer; without it there is no limit, as with any command in a pipe.
 */
export async function drained(streams: readonly Writable[], timeout?: number): Promise<void> {
  await Promise.all(streams.map((stream) => drain(stream, timeout)));
}

/** `head` and `less` close their end when they have seen enough, which Node reports as an error of the stream. */
export function allowClosedReaders(streams: readonly Writable[]): void {
  for (const stream of streams)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}

function drain(stream: Writable, timeout: number | undefined): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = stream.writableLength;
    const timer =
      timeout === undefined
        ? undefined
        : setInterval(() => {
            if (stream.writableLength === left) done();
            left = stream.writableLength;
          }, timeout);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    stream.once('error', done);
    stream.once('close', done);
    stream.write('', done);
  });
}
