import type { TestContext } from 'node:test';
import type { Message } from '../../../src/core/message.ts';
import { Feed } from '../../../src/feeds/source/feed.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeNetwork, feedSettings, remoteContext } from './fake-remote.ts';
import { MemoryCursors } from './memory-cursors.ts';

/** A feed, and a pipeline that keeps its messages. */
export async function servedFeed(t: TestContext, settings: Record<string, unknown> = {}) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const stats = createStats();
  const { logger, lines } = keptLogger();
  const facts = { path: 'pipelines.p.source', clock, logger, stats };
  const cursors = new MemoryCursors();
  const feed = new Feed(
    feedSettings(settings),
    remoteContext(network, { ...facts, gateway: { cursors: () => cursors } }),
  );
  const received: Message[] = [];
  feed.batches$.subscribe(({ messages }) => received.push(...messages));
  await feed.open();
  t.after(() => feed.close());
  const labels = { component: 'pipelines.p.source', url: 'wss://feed.example/ws' };
  return {
    feed,
    network,
    clock,
    stats,
    messages: () => received,
    texts: () => received.map(({ text }) => text),
    logged: () => lines.map(({ text }) => text).join('\n'),
    dropped: (reason: string) => stats.counter('tidegate_remote_dropped_total', { ...labels, reason }).value,
    figure: (name: Parameters<typeof stats.counter>[0]) => stats.counter(name, labels).value,
  };
}
