import { tell } from '../lifecycle.ts';
import type { GatewayParts } from './parts.ts';

/** Milliseconds that the last confirmations may take once every client has gone: there are none to come. */
const GROUPS_PATIENCE = 0;

/**
 * Stops in the order of the data, so that nothing is read that cannot be finished: no new sockets; group pipelines
 * settle what they have; each socket gets its answers and its 1012 in its own slot; then the pipelines behind the
 * sockets and the topics run dry.
 */
export async function drainInDataOrder(parts: GatewayParts, jitter: number): Promise<void> {
  for (const listener of parts.listeners) listener.drain();
  await Promise.all([
    ...parts.groupPipelines.map((pipeline) => pipeline.drained()),
    ...parts.audiences.map((audience) => audience.drain(jitter)),
    parts.connectors?.drained(),
  ]);
  const others = parts.pipelines.filter((pipeline) => !parts.groupPipelines.includes(pipeline));
  await Promise.all(others.map((pipeline) => pipeline.drained()));
  await parts.groups.stop(GROUPS_PATIENCE);
  // The members have gone; now the gateway itself says goodbye to the others.
  await Promise.all(parts.audiences.map(({ presence }) => presence?.resign()));
  await Promise.all(parts.audiences.map(({ topics }) => topics?.emptied()));
  await Promise.all([...parts.topics.values()].map((topic) => topic.drained()));
}

/** Messages that clients or groups handed over and whose outcome is not known. */
export function countUnsettled(parts: GatewayParts): number {
  const ofConnectors = parts.connectors?.unsettled ?? 0;
  const ofTopics = parts.audiences.reduce((sum, { topics }) => sum + (topics?.unsettled ?? 0), 0);
  return parts.pipelines.reduce((sum, pipeline) => sum + pipeline.flight.size, ofConnectors + ofTopics);
}

/** Gives up what is not in the log: its senders are answered "retryable", and their sockets closed. */
export function giveUp(parts: GatewayParts): void {
  for (const audience of parts.audiences) audience.drainNow();
  for (const { topics } of parts.audiences) topics?.abandon();
  for (const topic of parts.topics.values()) tell(topic.actor, { type: 'ABANDON' });
}
