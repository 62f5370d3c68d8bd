import { createRequire } from 'node:module';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { TidegateError } from '../../core/errors.ts';

/** The only version whose internals are known here. */
const KAFKAJS = '2.2.4';

const repaired = Symbol.for('tidegate.kafkajs.request-timer');

/**
 * Ends the busy loop of kafkajs: a connection's request queue re-arms a 1 ms timer for ever, even when nothing is pending
 * (4 % of a core for one idle client). A check is only needed while a request waits or the broker throttles.
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
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhereNeeded(this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    schedule.call(this);
  };
  prototype[repaired] = true;
}
