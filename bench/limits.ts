/*
 * What the limits of an endpoint cost a message: `npm run bench:limits`. One endpoint without limits and one with limits that
 * are never reached take the same frames by turns; no network and no log is involved. It prints medians of the rounds.
 */
import { Endpoint } from '../src/actors/endpoint/endpoint.ts';
import type { EndpointOptions } from '../src/actors/endpoint/endpoint-context.ts';
import { raw } from '../src/codecs/raw.ts';
import { systemClock } from '../src/core/clock.ts';
import type { Socket, SocketHandler } from '../src/core/socket.ts';
import { BucketRule } from '../src/core/token-bucket.ts';
import { makeComponent } from '../src/sdk/make.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createStats } from '../src/telemetry/stats.ts';
import { NO_TRACING } from '../src/telemetry/tracing.ts';
import { median } from './numbers.ts';

const ROUNDS = 61;
const MESSAGES = 20_000;
const FRAME = Buffer.from(JSON.stringify({ id: 7, user: 'ada', total: 12.5, at: 1_700_000_000_000 }));

/** A peer that sends what it is told to. */
class Peer implements Socket {
  readonly wire = 'plain';
  readonly remote = '192.0.2.1';
  readonly buffered = 0;
  readonly written = 0;
  readonly partial = 0;
  readonly isStarved = false;
  handler: SocketHandler | undefined;

  attach(handler: SocketHandler): void {
    this.handler = handler;
  }

  write(): void {}
  notifyDrain(): void {}
  pause(): void {}
  resume(): void {}
  ping(): void {}
  close(): void {}
  terminate(): void {}
}

function peerOf(changes: Partial<EndpointOptions>): Peer {
  const endpoint = new Endpoint({
    name: 'words',
    codec: makeComponent(raw, raw.config.parse({}), {} as never),
    limits: { messages: 1_000_000, bytes: 2 ** 40, queue: 1_000_000, whenFull: 'disconnect' },
    sweep: { pingInterval: 20, pingTimeout: 20, frameTimeout: 30, stallTimeout: 30 },
    encode: () => FRAME,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    stats: createStats(),
    tracing: NO_TRACING,
    ...changes,
  });
  endpoint.received$.subscribe((batch) => batch.ack());
  endpoint.resume();
  const peer = new Peer();
  endpoint.join(peer, { params: {}, query: {} }, undefined);
  return peer;
}

/** Nanoseconds of the process for one message. */
async function round({ handler }: Peer): Promise<number> {
  const before = process.cpuUsage();
  for (let sent = 0; sent < MESSAGES; sent++) {
    handler?.onFrame(FRAME, true);
    // A turn brings some messages, which become one batch.
    if (sent % 100 === 99) await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / MESSAGES;
}

const never = new BucketRule({ count: 1e9, period: 1_000 }, 3_600_000);
const rules = { messages: never, bytes: never };
const free = peerOf({});
const limited = peerOf({ clientLimits: { own: rules, identity: {}, closes: false } });
const times = { free: [] as number[], limited: [] as number[] };
for (let index = 0; index < ROUNDS; index++) {
  times.free.push(await round(free));
  times.limited.push(await round(limited));
}
// The first ones are compiled while they run.
const [without, beside] = [median(times.free.slice(11)), median(times.limited.slice(11))];
console.log(`without limits ${without.toFixed(0)} ns a message, with limits ${beside.toFixed(0)} ns`);
console.log(`limits cost ${(beside - without).toFixed(0)} ns`);
process.exit(0);
