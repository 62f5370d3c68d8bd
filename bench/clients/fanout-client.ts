/*
 * Receivers, and the producer that feeds them: it keeps a fixed number of records ahead of the slowest receiver, so
 * that whatever stands between always has work, and never so much that a slow receiver would have to be cut.
 */
import { serve } from '../child.ts';
import { envelope, TYPE_AT } from './frames.ts';
import { PreparedProducer } from './prepared-producer.ts';
import { RawSocket } from './raw-socket.ts';

interface StartOptions {
  readonly port: number;
  readonly receivers: number;
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
  readonly payloadBytes: number;
  /** Records ahead of the slowest receiver. */
  readonly lead: number;
  /** Records of one produce request. */
  readonly records: number;
}

const USER = 'U'.charCodeAt(0);
const LOOK_MS = 1;

interface Receiver {
  received: number;
  strange: number;
  socket?: RawSocket;
}

let receivers: Receiver[] = [];
let producer: PreparedProducer | undefined;
let timer: NodeJS.Timeout | undefined;
let lead = 0;

async function open(port: number, payloadBytes: number): Promise<Receiver> {
  const receiver: Receiver = { received: 0, strange: 0 };
  receiver.socket = await RawSocket.open({
    port,
    onFrame: (buffer, start, length) => {
      if (buffer[start + TYPE_AT] !== USER) return;
      if (length === payloadBytes) receiver.received += 1;
      else receiver.strange += 1;
    },
  });
  return receiver;
}

function slowest(): number {
  return receivers.reduce((least, { received }) => Math.min(least, received), Number.POSITIVE_INFINITY);
}

function feed(): void {
  if (producer === undefined || timer === undefined) return;
  const ceiling = slowest() + lead;
  while (!producer.isBusy && producer.sent < ceiling) producer.send();
}

serve({
  start: async ({ port, receivers: count, payloadBytes, lead: ahead, ...produce }: StartOptions) => {
    lead = ahead;
    receivers = await Promise.all(Array.from({ length: count }, () => open(port, payloadBytes)));
    producer = await PreparedProducer.open({ ...produce, payload: envelope(payloadBytes), onStored: feed });
    timer = setInterval(feed, LOOK_MS);
    feed();
  },
  stop: () => {
    clearInterval(timer);
    timer = undefined;
  },
  figures: () => ({
    deliveries: receivers.reduce((all, { received }) => all + received, 0),
    strange: receivers.reduce((all, { strange }) => all + strange, 0),
    produced: producer?.sent ?? 0,
    open: receivers.filter(({ socket }) => socket?.isOpen).length,
  }),
});
