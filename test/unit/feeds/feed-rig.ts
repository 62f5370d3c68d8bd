import type { TestContext } from 'node:test';
import type { Batch } from '../../../src/core/batch.ts';
import type { Message } from '../../../src/core/message.ts';
import { Feed } from '../../../src/feeds/source/feed.ts';
import type { CursorStore, GatewayPorts } from '../../../src/sdk/context.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { KeptTopic } from '../pipelines/parts.ts';
import { FakeNetwork, feedSettings, remoteContext } from './fake-remote.ts';
import { MemoryCursors } from './memory-cursors.ts';

/** A clock whose pauses have no random part. */
export class SteadyClock extends HandClock {
  jitter(): number {
    return 0;
  }
}

/** A feed without pings, whose messages are kept and, unless `isSettling` is false, settled at once. */
export async function feedRig(
  t: TestContext,
  settings: Record<string, unknown>,
  {
    cursors = new MemoryCursors(),
    isSettling = true,
    follow,
    clock = new SteadyClock(),
  }: { cursors?: CursorStore; isSettling?: boolean; follow?: GatewayPorts['follow']; clock?: SteadyClock } = {},
) {
  const network = new FakeNetwork();
  const stats = createStats();
  const kept = keptLogger();
  const topics = new Map<string, KeptTopic>();
  const topic = (name: string) => {
    const known = topics.get(name) ?? new KeptTopic();
    topics.set(name, known);
    return known;
  };
  const reasons: (string | undefined)[] = [];
  const onStatus = (_: string, reason: string | undefined) => void reasons.push(reason);
  const context = remoteContext(network, {
    path: 'p',
    clock,
    logger: kept.logger,
    stats,
    gateway: { topic, cursors: () => cursors, onStatus, ...(follow === undefined ? {} : { follow }) },
  });
  const feed = new Feed(feedSettings({ heartbeat: { ping: '0s' }, ...settings }), context);
  const messages: Message[] = [];
  feed.batches$.subscribe((batch: Batch) => {
    messages.push(...batch.messages);
    if (isSettling) batch.ack();
  });
  await feed.open();
  t.after(() => feed.close());
  const labels = { component: 'p', url: 'wss://feed.example/ws' };
  const counter = (name: Parameters<typeof stats.counter>[0], more: Record<string, string> = {}) =>
    stats.counter(name, { ...labels, ...more }).value;
  const gauge = (name: string) => {
    const metric = stats.snapshot().find((each) => each.name === name);
    return metric?.kind === 'gauge' ? metric.points[0]?.value : undefined;
  };
  return {
    feed,
    gauge,
    network,
    clock,
    messages,
    topics,
    counter,
    reasons,
    texts: () => messages.map(({ text }) => text),
    ...kept,
  };
}
