/* Clients of the gateway under test, in a process of their own: they subscribe, and count what they get. */
import { serve } from '../child.ts';
import { textFrame } from '../clients/frames.ts';
import { RawSocket } from '../clients/raw-socket.ts';

const OPENED_AT_A_TIME = 100;
const LOOK_MS = 1;
const MAX_WAIT = 20_000;
const MAX_BUFFER = 65_536;

let sockets: RawSocket[] = [];
let frames = 0;
let last = '';

function open(port: number): Promise<RawSocket> {
  const onFrame = (buffer: Buffer, start: number, length: number) => {
    frames += 1;
    if (length < 200) last = buffer.toString('latin1', start, start + length);
  };
  return RawSocket.open({ port, bufferBytes: MAX_BUFFER, onFrame });
}

function subscription(channel: string, since?: string): Buffer {
  return textFrame(Buffer.from(JSON.stringify({ type: 'subscribe', channel, since })));
}

/** Resolves with the milliseconds since `from` when so many frames have come. */
async function until(wanted: number, from = performance.now()): Promise<number> {
  while (frames < wanted) {
    if (performance.now() - from > MAX_WAIT) {
      const open = sockets.filter(({ isOpen }) => isOpen).length;
      throw new Error(`${frames} of ${wanted} frames on ${open} of ${sockets.length} sockets, the last: ${last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return performance.now() - from;
}

serve({
  open: async ({ port, count }: { port: number; count: number }) => {
    while (sockets.length < count) {
      const next = Math.min(OPENED_AT_A_TIME, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: next }, () => open(port)))));
    }
  },
  close: () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
  },
  /** Each socket subscribes to `each` channels of so many, in turn. Resolves with the milliseconds. */
  subscribe: ({ prefix, channels, each }: { prefix: string; channels: number; each: number }) => {
    frames = 0;
    const from = performance.now();
    let next = 0;
    for (const socket of sockets) {
      const requests: Buffer[] = [];
      for (let at = 0; at < each; at += 1, next += 1) requests.push(subscription(`${prefix}.${next % channels}`));
      socket.write(Buffer.concat(requests));
    }
    return until(sockets.length * each, from);
  },
  /** The first socket subscribes to a channel, and says where that is. */
  place: async (channel: string): Promise<string> => {
    frames = 0;
    sockets[0]?.write(subscription(channel));
    await until(1);
    return (JSON.parse(last) as { position: string }).position;
  },
  /** The sockets show positions, in turn; milliseconds until each has its answer and so many records. */
  recover: ({
    places,
    records,
  }: {
    places: readonly (readonly [channel: string, since: string])[];
    records: number;
  }) => {
    frames = 0;
    const from = performance.now();
    for (const [at, socket] of sockets.entries()) {
      const [channel, since] = places[at % places.length] as readonly [string, string];
      socket.write(subscription(channel, since));
    }
    return until(sockets.length * (records + 1), from);
  },
  begin: () => {
    frames = 0;
  },
  until: (wanted: number) => until(wanted),
  last: () => last,
});
process.send?.({ ready: true });
