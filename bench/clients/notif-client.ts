/*
 * One client of the topic protocol that sends so many messages a second and waits for nothing, as the connector's own
 * example does. What the gateway does not read yet waits in this process.
 */
import { serve } from '../child.ts';
import { textFrame } from './frames.ts';
import { RawSocket } from './raw-socket.ts';

interface StartOptions {
  readonly port: number;
  readonly topic: string;
  /** Messages a second. */
  readonly rate: number;
}

const SLICE_MS = 5;

let socket: RawSocket | undefined;
let timer: NodeJS.Timeout | undefined;
let sent = 0;
/** Only what failed is answered. */
let answers = 0;

function startPacing({ topic, rate }: StartOptions): void {
  const most = Math.ceil((rate / 1_000) * SLICE_MS * 20);
  const frame = textFrame(Buffer.from(JSON.stringify({ id: 1, t: 'notif', a: 'create', p: { t: topic, m: 123_456 } })));
  const burst = Buffer.concat(Array.from({ length: most }, () => frame));
  const began = performance.now();
  timer = setInterval(() => {
    const due = Math.min(most, Math.floor(((performance.now() - began) / 1_000) * rate) - sent);
    if (due <= 0) return;
    socket?.write(burst.subarray(0, due * frame.length));
    sent += due;
  }, SLICE_MS);
}

serve({
  start: async (options: StartOptions) => {
    socket = await RawSocket.open({
      port: options.port,
      onFrame: () => {
        answers += 1;
      },
    });
    startPacing(options);
  },
  stop: () => clearInterval(timer),
  figures: () => ({ sent, answers, open: socket?.isOpen === true ? 1 : 0 }),
});
