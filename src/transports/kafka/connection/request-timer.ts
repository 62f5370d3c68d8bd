import { createRequire } from 'node:module';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import SocketRequest from 'kafkajs/src/network/requestQueue/socketRequest.js';
import { TidegateError } from '../../../core/errors.ts';

/** The only version whose internals are known here. */
const KAFKAJS = '2.2.4';
/** Most milliseconds between two looks at which requests have waited too long, as in kafkajs. */
const LOOK = 100;

/** When a request was sent, beside `sentAt` of kafkajs, which its events show to other users of it in this process. */
const sent = Symbol.for('tidegate.kafkajs.sent');
const repaired = Symbol.for('tidegate.kafkajs.request-timer');

type SentRequest = SocketRequest & { [sent]?: number };

/**
 * Repairs the timers of kafkajs's request queues:
 * - a queue re-arms a 1 ms timer for ever, even when nothing is pending (4 % of a core for one idle client). A check is only
 *   needed while a request waits.
 * - time is measured by the machine's clock. Where that is set forward all requests under way time out at once, and where
 *   it is set back none does, and a queue that the broker throttles waits for as long.
 * Throws where kafkajs is not the version that this, and everything else in this folder, was written for.
 */
export function repairRequestTimer(): void {
  const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string };
  if (version !== KAFKAJS) {
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `kafkajs is ${version}, but exactly ${KAFKAJS} is needed: its internals are used. Run npm ci.`,
    );
  }
  const prototype = RequestQueue.prototype as RequestQueue & { [repaired]?: true };
  if (prototype[repaired]) return;
  const { send } = SocketRequest.prototype;
  SocketRequest.prototype.send = function sendAndNote(this: SentRequest) {
    send.call(this);
    this[sent] = performance.now();
  };
  Object.assign(prototype, { scheduleRequestTimeoutCheck, maybeThrottle, canSendSocketRequestImmediately });
  prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
  prototype[repaired] = true;
}

function scheduleRequestTimeoutCheck(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return;
  this.destroy();
  this.requestTimeoutIntervalId = setInterval(
    () => {
      const now = performance.now();
      for (const request of [...this.inflight.values()] as SentRequest[])
        if (now - (request[sent] ?? now) > request.requestTimeout) request.timeoutRequest();
      if (!this.isConnected()) this.destroy();
    },
    Math.min(this.requestTimeout, LOOK),
  );
}

function maybeThrottle(this: RequestQueue, milliseconds: number | null): void {
  if (milliseconds !== null && milliseconds > 0)
    this.throttledUntil = Math.max(performance.now() + milliseconds, this.throttledUntil);
}

function canSendSocketRequestImmediately(this: RequestQueue): boolean {
  const isFull = this.maxInFlightRequests !== null && this.inflight.size >= this.maxInFlightRequests;
  return !isFull && this.throttledUntil <= performance.now();
}

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
  const left = Math.max(1, this.throttledUntil - performance.now());
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, left);
}
