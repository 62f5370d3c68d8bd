/*
 * A room full of clients in one process, so that one clock measures: they come, all at once or as fast as the gateway
 * lets them in, and then some of them speak once a second while all of them listen.
 */
import { serve } from '../child.ts';
import { percentile } from '../numbers.ts';
import { textFrame } from './frames.ts';
import { RawSocket } from './raw-socket.ts';

interface JoinOptions {
  readonly port: number;
  readonly clients: number;
}
interface SpeakOptions {
  readonly speakers: number;
  /** Messages a second of each. */
  readonly rate: number;
}

/** Handshakes under way at a time: a program that opens a thousand at once measures the kernel's backlog. */
const WIDTH = 50;
/** `{"type":"` is followed by welcome, kafka and others; the first letter tells those apart that matter here. */
const TYPE_AT = '{"type":"'.length;
const WELCOME = 'w'.charCodeAt(0);
const KAFKA = 'k'.charCodeAt(0);
const MARK = '"message":"';
const DIGITS = 16;

const sockets: RawSocket[] = [];
let welcomed = 0;
let delivered = 0;
let sent = 0;
let latencies: number[] = [];
const timers: NodeJS.Timeout[] = [];

function microseconds(): number {
  return Math.floor(performance.now() * 1_000);
}

function arrived(buffer: Buffer, start: number, length: number): void {
  const type = buffer[start + TYPE_AT];
  if (type === WELCOME) welcomed += 1;
  if (type !== KAFKA) return;
  delivered += 1;
  const at = buffer.indexOf(MARK, start) + MARK.length;
  if (at < start + length) latencies.push(microseconds() - Number(buffer.toString('latin1', at, at + DIGITS)));
}

async function join({ port, clients }: JoinOptions): Promise<number> {
  const began = performance.now();
  let next = 0;
  const come = async () => {
    while (next < clients) {
      next += 1;
      sockets.push(await RawSocket.open({ port, onFrame: arrived }));
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, come));
  while (welcomed < clients) await new Promise((resolve) => setTimeout(resolve, 10));
  return (performance.now() - began) / 1_000;
}

function say(socket: RawSocket | undefined): void {
  sent += 1;
  const message = String(microseconds()).padStart(DIGITS, '0');
  socket?.write(textFrame(Buffer.from(`{"type":"broadcast-all","message":"${message}"}`)));
}

serve({
  join,
  speak: ({ speakers, rate }: SpeakOptions) => {
    // Each in its own moment of the second, as people do.
    for (let at = 0; at < speakers; at++) {
      const begin = setTimeout(
        () => timers.push(setInterval(() => say(sockets[at]), 1_000 / rate)),
        (at * 1_000) / (speakers * rate),
      );
      timers.push(begin);
    }
  },
  measure: () => {
    latencies = [];
    delivered = 0;
    sent = 0;
  },
  hush: () => {
    for (const timer of timers.splice(0)) clearInterval(timer);
  },
  figures: () => {
    const sorted = Float64Array.from(latencies, (time) => time / 1_000).sort();
    return {
      sent,
      delivered,
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      open: sockets.filter(({ isOpen }) => isOpen).length,
    };
  },
});
