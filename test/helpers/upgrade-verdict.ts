import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Crowd, contentOf } from './crowd.ts';
import { readTopic } from './topic-content.ts';

/** The longest first pause of the example client, in milliseconds. */
const FIRST_PAUSE = 250;

/**
 * Most clients that a gateway should have to let in within a second when another one stops: even if all go to the same one,
 * the slots of `shutdown.jitter` spread them evenly. Twice that, and ten, since slots are random; without jitter it is all of them.
 */
export function mostPerSecond(clients: number, jitter: number): number {
  return (2 * clients * 1_000) / jitter + 10;
}

/** What clients and topic say once it is quiet again. */
export async function assertUndisturbed(t: TestContext, crowd: Crowd, brokers: string, topic: string): Promise<void> {
  await crowd.end();
  await crowd.heard(crowd.say());
  await crowd.end();
  const records = await readTopic(brokers, topic);
  const stored = new Set(records.map(contentOf));

  assert.deepEqual(
    crowd.acked.filter((content) => !stored.has(content)),
    [],
    'acked and not in the topic',
  );
  assert.deepEqual(
    [crowd.refused, crowd.acked.length],
    [[], crowd.sent],
    'everything that was said is acked in the end',
  );
  // 1012 and nothing else: no connection was cut, and no attempt to come back was refused.
  assert.deepEqual([...new Set(crowd.losses.map(({ code }) => code))], [1012]);
  // So each pause was a first one, which is at most this long.
  assert.ok(crowd.losses.every(({ pause }) => pause <= FIRST_PAUSE));
  assert.deepEqual(crowd.holes(records), [], 'a client with a connection missed a broadcast');

  const longest = Math.max(...crowd.absences);
  const doubled = records.length - stored.size;
  t.diagnostic(
    `${crowd.acked.length} acked, ${doubled} sent again and stored twice; ${crowd.losses.length} closes, longest absence ${longest} ms`,
  );
}
