import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import RequestQueue, { type RequestQueueOptions } from 'kafkajs/src/network/requestQueue/index.js';
import { TidegateError } from '../../../../src/core/errors.ts';
import type { Logger } from '../../../../src/telemetry/logger.ts';
import { createClient } from '../../../../src/transports/kafka/connection/client.ts';
import { repairRequestTimer } from '../../../../src/transports/kafka/connection/request-timer.ts';
import { kafkaSchema } from '../../../../src/transports/kafka/connection/schema.ts';

const noop = () => undefined;
const logger: Logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => logger };

test('an idle request queue arms no timer, one in which a request waits does', (t) => {
  repairRequestTimer();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const timers = t.mock.method(globalThis, 'setTimeout');
  const queue = Object.assign(Object.create(RequestQueue.prototype), { pending: [], throttledUntil: -1 });
  queue.scheduleCheckPendingRequests();
  assert.equal(timers.mock.callCount(), 0);
  queue.pending = [{}];
  queue.scheduleCheckPendingRequests();
  assert.equal(timers.mock.callCount(), 1);
  Object.assign(queue, { throttledUntil: performance.now() + 1_000, throttleCheckTimeoutId: null });
  queue.scheduleCheckPendingRequests();
  const pause = timers.mock.calls[1]?.arguments[1] ?? 0;
  assert.ok(pause > 900 && pause <= 1_000, String(pause));
});

test('setting the clock of the machine neither ends requests early, nor late, nor prolongs a throttle', (t) => {
  repairRequestTimer();
  let elapsed = 5_000;
  t.mock.method(performance, 'now', () => elapsed);
  let now = 1_000_000_000;
  t.mock.method(Date, 'now', () => now);
  t.mock.timers.enable({ apis: ['setInterval'] });
  const queue = requestQueue();
  t.after(() => queue.destroy());
  const failures: unknown[] = [];
  const ask = (correlationId: number) =>
    queue.push({
      entry: { correlationId, apiName: 'Fetch', reject: (error: unknown) => failures.push(error), resolve: noop },
      expectResponse: true,
      sendRequest: noop,
    });
  queue.scheduleRequestTimeoutCheck();
  ask(1);
  now += 3_600_000;
  t.mock.timers.tick(100);
  assert.deepEqual(failures, [], 'an hour forward');
  now -= 7_200_000;
  queue.maybeThrottle(500);
  elapsed += 499;
  ask(2);
  assert.equal(queue.pending.length, 1);
  elapsed += 502;
  t.mock.timers.tick(100);
  assert.equal(failures.length, 1, 'an hour back');
  assert.equal(queue.pending.length, 0, 'the throttle is over');
  assert.equal(queue.inflight.size, 1);
});

test('a full queue sends the next request with an answer, and ends its looks without a connection', (t) => {
  repairRequestTimer();
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  let isConnected = true;
  const queue = requestQueue({ maxInFlightRequests: 1, isConnected: () => isConnected });
  const sent: number[] = [];
  for (const correlationId of [1, 2])
    queue.push({
      entry: { correlationId, apiName: 'Fetch', reject: noop, resolve: noop },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  assert.deepEqual(sent, [1]);
  queue.fulfillRequest({ correlationId: 1, size: 0, payload: Buffer.alloc(0) });
  assert.deepEqual(sent, [1, 2]);
  queue.scheduleRequestTimeoutCheck();
  const ended = t.mock.method(queue, 'destroy');
  t.mock.timers.tick(100);
  assert.equal(ended.mock.callCount(), 0);
  isConnected = false;
  t.mock.timers.tick(300);
  assert.ok(ended.mock.callCount() > 0);
});

test('repairing twice changes nothing more', () => {
  repairRequestTimer();
  const before = RequestQueue.prototype.scheduleCheckPendingRequests;
  repairRequestTimer();
  assert.equal(RequestQueue.prototype.scheduleCheckPendingRequests, before);
});

test('an address without a port and a certificate that cannot be read are mistakes of the configuration', () => {
  const isConfigError = (error: unknown) => error instanceof TidegateError && error.code === 'TG_CONFIG_INVALID';
  assert.throws(() => createClient({ brokers: ['kafka'], clientId: 'x', logger }), isConfigError);
  const ssl = { ca: '/nowhere/ca.pem', reject_unauthorized: true };
  assert.throws(() => createClient({ brokers: ['kafka:9092'], clientId: 'x', ssl, logger }), isConfigError);
});

test('hosts may be names, addresses, or IPv6 in brackets', () => {
  const { brokers } = createClient({ brokers: ['kafka:9092', '10.0.0.1:1', '[::1]:9093'], clientId: 'x', logger });
  assert.deepEqual(brokers, [
    { host: 'kafka', port: 9092 },
    { host: '10.0.0.1', port: 1 },
    { host: '::1', port: 9093 },
  ]);
});

test('certificates are read from their files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'ca.pem'), 'certificate');
  const ssl = { ca: join(folder, 'ca.pem'), servername: 'kafka.internal', reject_unauthorized: false };
  const client = createClient({ brokers: ['kafka:9092'], clientId: 'x', ssl, logger });
  assert.deepEqual(client.ssl, {
    ca: Buffer.from('certificate'),
    cert: undefined,
    key: undefined,
    servername: 'kafka.internal',
    rejectUnauthorized: false,
  });
});

test('sockets are made without the delay that waits for TCP acks', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { socketFactory } = createClient({ brokers: [`127.0.0.1:${port}`], clientId: 'x', logger });
  let connected = noop as () => void;
  const connecting = new Promise<void>((resolve) => {
    connected = resolve as () => undefined;
  });
  const socket = socketFactory({ host: '127.0.0.1', port, onConnect: () => connected(), ssl: undefined as never });
  const delay = t.mock.method(socket, 'setNoDelay');
  await connecting;
  socket.destroy();
  assert.equal(delay.mock.callCount(), 0);
  assert.equal((socket as unknown as Record<symbol, unknown>)[kSetNoDelay(socket)], true);
});

/** Node keeps the option under a symbol of its own. */
function kSetNoDelay(socket: object): symbol {
  const symbol = Object.getOwnPropertySymbols(socket).find((one) => one.description === 'kSetNoDelay');
  assert.ok(symbol !== undefined);
  return symbol;
}

test('settings of Kafka: brokers from one text, text converted by type, unknown mechanisms refused', () => {
  const parsed = kafkaSchema.parse({
    brokers: 'a:1, b:2',
    ssl: 'true',
    sasl: { mechanism: 'plain', username: 'u', password: '0123' },
  });
  assert.deepEqual(parsed, {
    brokers: ['a:1', 'b:2'],
    client_id: 'tidegate',
    ssl: true,
    sasl: { mechanism: 'plain', username: 'u', password: '0123' },
    compression: 'none',
  });
  assert.deepEqual(kafkaSchema.parse({}), { brokers: [], client_id: 'tidegate', ssl: false, compression: 'none' });
  assert.equal(kafkaSchema.safeParse({ compression: 'lz4' }).success, true);
  assert.equal(kafkaSchema.safeParse({ compression: 'zstd' }).success, false);
  assert.equal(kafkaSchema.safeParse({ sasl: { mechanism: 'md5', username: 'u', password: 'p' } }).success, false);
  assert.equal(kafkaSchema.safeParse({ ssl: { reject_unauthorised: false } }).success, false);
});

function requestQueue(options: Partial<RequestQueueOptions> = {}): RequestQueue {
  return new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1_000,
    enforceRequestTimeout: true,
    clientId: 'x',
    broker: 'kafka:9092',
    logger,
    isConnected: () => true,
    ...options,
  });
}
