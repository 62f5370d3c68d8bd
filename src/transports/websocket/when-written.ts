import type { Writable } from 'node:stream';

const NOTHING = Buffer.alloc(0);

/**
 * Calls back once when everything that was written has left. The event `drain` alone does not say so: it comes only after a
 * write beyond the stream's own mark, which is 16 KiB in Node 20 and 64 KiB from Node 22 on.
 */
export function whenWritten(socket: Writable, callback: () => void): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (socket.writableNeedDrain) {
    socket.once('drain', callback);
    return;
  }
  socket.write(NOTHING, (error) => {
    if (error == null) callback();
  });
}
