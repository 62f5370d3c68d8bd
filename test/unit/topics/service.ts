import assert from 'node:assert/strict';
import { InternalTopics } from '../../../src/core/internal-topics.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import type { TopicSettings } from '../../../src/topics/settings.ts';
import {
  TopicService,
  type TopicServiceContext,
  type TopicServiceSettings,
} from '../../../src/topics/topic-service.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

const SETTINGS: TopicSettings = {
  group: 'default-group',
  from: 'latest',
  max_topics: 3,
  creates_per_minute: 4,
  max_groups: 100,
  groups_per_minute: 100,
  in_flight: { messages: 1_000, bytes: 1_000_000 },
  publish: { limit: 100, interval: 0 },
  notify: { limit: 100, interval: 0 },
  session_timeout: 10_000,
  commit_interval: 1_000,
  paused: false,
};

/** A service; a test names what it needs to be different. */
export function makeService(
  context: Partial<TopicServiceContext>,
  topics: Partial<TopicSettings> = {},
  settings: Partial<Omit<TopicServiceSettings, 'topics'>> = {},
): TopicService {
  return new TopicService(
    {
      log: new FakeLog(),
      clock: new HandClock(),
      logger: keptLogger().logger,
      stats: createStats(),
      tracing: NO_TRACING,
      groups: { join: () => assert.fail('no member joins'), has: () => false, size: 0 },
      openTopic: () => assert.fail('no client publishes'),
      topics: new Map(),
      ownGroups: new Set(),
      internalTopics: new InternalTopics(),
      ...context,
    },
    'e',
    {
      topics: { ...SETTINGS, ...topics },
      maxima: { partitions: 1, replication: 1, config: {} },
      missingTimeout: 0,
      ...settings,
    },
  );
}
