/*
 * Sockets that are subscribed as members of one group, and the producer that feeds them: it keeps a fixed number of
 * records ahead of what came, so that whatever stands between always has work.
 */
import { serve } from '../child.ts';
import { textFrame } from './frames.ts';
import { PreparedProducer } from './prepared-producer.ts';
import { RawSocket } from './raw-socket.ts';

interface SubscribeOptions {
  readonly port: number;
  readonly sockets: number;
  readonly topic: string;
}
interface StartOptions {
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
  readonly payloadBytes: number;
  /** Records ahead of those that were delivered. */
  readonly lead: number;
  /** Records of one produce request. */
  readonly records: number;
}

/** The largest frame: 256 KiB of payload, and what JSON adds to it. */
const BUFFER_BYTES = 1_048_576;
const RECORD = Buffer.from('"t":"notif"');
const DONE = Buffer.from('"s":0');
const LIST = '['.charCodeAt(0);
const LOOK_MS = 1;

let sockets: RawSocket[] = [];
let delivered = 0;
let subscribed = 0;
let refused = 0;
let allSubscribed = () => {};
let producer: PreparedProducer | undefined;
let timer: NodeJS.Timeout | undefined;
let lead = 0;

function arrived(buffer: Buffer, start: number, length: number): void {
  const end = start + length;
  if (buffer[start] === LIST) delivered += count(buffer, start, end);
  else if (isWithin(buffer.indexOf(DONE, start), end)) subscribed += 1;
  else refused += 1;
  if (subscribed + refused >= sockets.length) allSubscribed();
}

function count(buffer: Buffer, start: number, end: number): number {
  let found = 0;
  for (let at = buffer.indexOf(RECORD, start); isWithin(at, end); at = buffer.indexOf(RECORD, at + RECORD.length))
    found += 1;
  return found;
}

function isWithin(at: number, end: number): boolean {
  return at >= 0 && at < end;
}

function feed(): void {
  if (producer === undefined || timer === undefined) return;
  while (!producer.isBusy && producer.sent < delivered + lead) producer.send();
}

serve({
  /** Resolves once all are subscribed. */
  subscribe: async ({ port, sockets: wanted, topic }: SubscribeOptions) => {
    const options = { port, onFrame: arrived, bufferBytes: BUFFER_BYTES };
    sockets = await Promise.all(Array.from({ length: wanted }, () => RawSocket.open(options)));
    const p = { t: [topic], consumer_group: topic };
    const all = new Promise<void>((resolve) => {
      allSubscribed = resolve;
    });
    for (const socket of sockets)
      socket.write(textFrame(Buffer.from(JSON.stringify({ id: 1, t: 'topic', a: 'subscribe', p }))));
    await all;
  },
  start: async ({ lead: ahead, payloadBytes, ...produce }: StartOptions) => {
    lead = ahead;
    producer = await PreparedProducer.open({ ...produce, payload: Buffer.alloc(payloadBytes, 'x'), onStored: feed });
    timer = setInterval(feed, LOOK_MS);
    feed();
  },
  stop: () => {
    clearInterval(timer);
    timer = undefined;
  },
  figures: () => ({
    delivered,
    refused,
    produced: producer?.sent ?? 0,
    open: sockets.filter(({ isOpen }) => isOpen).length,
  }),
});
