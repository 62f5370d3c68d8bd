/** Connections that say nothing. */
import { serve } from '../child.ts';
import { RawSocket } from './raw-socket.ts';

/** So many handshakes at a time: a crowd at the door is another measurement. */
const AT_ONCE = 50;

const sockets: RawSocket[] = [];

serve({
  open: async ({ port, connections }: { port: number; connections: number }) => {
    while (sockets.length < connections) {
      const batch = Math.min(AT_ONCE, connections - sockets.length);
      const options = { port, onFrame: () => {}, bufferBytes: 4_096 };
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => RawSocket.open(options)))));
    }
  },
  figures: () => ({ open: sockets.filter(({ isOpen }) => isOpen).length }),
});
