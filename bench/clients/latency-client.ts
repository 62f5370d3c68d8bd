/*
 * One sender at a steady pace and several receivers, all in one process, so that one clock measures from just before
 * the frame is written to the moment its copy is read from each socket.
 */
import { serve } from '../child.ts';
import { percentile } from '../numbers.ts';
import { CONTENT_AT, envelope, TYPE_AT, textFrame } from './frames.ts';
import { RawSocket } from './raw-socket.ts';

interface StartOptions {
  readonly port: number;
  readonly sockets: number;
  readonly payloadBytes: number;
  /** Messages a second. */
  readonly rate: number;
}

const USER = 'U'.charCodeAt(0);
/** Microseconds of a monotonic clock, as so many digits at the start of the content. */
const DIGITS = 16;

let sockets: RawSocket[] = [];
let latencies: number[] = [];
let isMeasuring = false;
let sent = 0;
let received = 0;
let timer: NodeJS.Timeout | undefined;

function microseconds(): number {
  return Math.floor(performance.now() * 1_000);
}

function arrived(buffer: Buffer, start: number): void {
  if (buffer[start + TYPE_AT] !== USER) return;
  received += 1;
  if (!isMeasuring) return;
  const from = start + CONTENT_AT;
  latencies.push(microseconds() - Number(buffer.toString('latin1', from, from + DIGITS)));
}

function startPacing({ rate, payloadBytes }: StartOptions): void {
  const began = performance.now();
  const sender = sockets[0];
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1_000) * rate);
    for (; sent < due; sent++) {
      sender?.write(textFrame(envelope(payloadBytes, String(microseconds()).padStart(DIGITS, '0'))));
    }
  }, 1);
}

serve({
  start: async (options: StartOptions) => {
    sockets = await Promise.all(
      Array.from({ length: options.sockets }, () => RawSocket.open({ port: options.port, onFrame: arrived })),
    );
    startPacing(options);
  },
  measure: () => {
    isMeasuring = true;
  },
  stop: () => clearInterval(timer),
  figures: () => {
    const sorted = Float64Array.from(latencies, (microseconds) => microseconds / 1_000).sort();
    latencies = [];
    return {
      sent,
      received,
      samples: sorted.length,
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      open: sockets.filter(({ isOpen }) => isOpen).length,
    };
  },
});
