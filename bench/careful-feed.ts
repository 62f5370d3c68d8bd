/*
 * The baseline of the scenario feed: what a careful hand writes with ws and kafkajs to bring a feed into a topic. Frames
 * are collected for 5 ms and sent at most 1,000 at a time with acks=all, and the socket is paused while 10,000 of them
 * are not stored, so that a burst loses nothing. It survives neither a lost connection nor its own end.
 */
import { Kafka, logLevel, type Message } from 'kafkajs';
import { WebSocket } from 'ws';
import { announceReady, baselineSettings } from './baseline-settings.ts';

const LINGER_MS = 5;
const MAX_SEND = 1_000;
const MOST_UNSETTLED = 10_000;

const { brokers, topic } = baselineSettings();
const producer = new Kafka({ clientId: 'careful-feed', brokers, logLevel: logLevel.NOTHING }).producer();
await producer.connect();
const socket = new WebSocket(process.env.FEED_URL ?? '', { perMessageDeflate: false });

let collected: Message[] = [];
let timer: NodeJS.Timeout | undefined;
let unsettled = 0;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const messages = collected;
  collected = [];
  producer.send({ topic, messages, acks: -1 }).then(
    () => {
      unsettled -= messages.length;
      if (socket.isPaused && unsettled < MOST_UNSETTLED / 2) socket.resume();
    },
    (error: unknown) => {
      console.error('careful-feed: a send failed', error);
      process.exit(1);
    },
  );
}

socket.on('message', (value: Buffer) => {
  unsettled += 1;
  collected.push({ value });
  if (collected.length >= MAX_SEND) flush();
  else timer ??= setTimeout(flush, LINGER_MS);
  if (unsettled >= MOST_UNSETTLED) socket.pause();
});
socket.on('open', announceReady);
