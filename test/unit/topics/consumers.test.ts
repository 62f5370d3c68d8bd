import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InternalTopics } from '../../../src/core/internal-topics.ts';
import { Permissions } from '../../../src/core/permissions.ts';
import { Consumers } from '../../../src/topics/consumers.ts';
import { Rights } from '../../../src/topics/rights.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

test('health names only topics that clients of the endpoint may read', () => {
  const known = new Map([
    ['a', { ws: 1, subscriber: { topics: ['orders', 'secret', 'public-1'] } }],
    ['b', { ws: 2, subscriber: { topics: ['secret', '_tidegate.rooms.presence'] } }],
    ['c', { ws: 3, subscriber: undefined }],
  ]);
  const permissions = new Permissions({ read: ['orders', 'public-*'] });
  const reserved = { ownGroups: new Set<string>(), internalTopics: new InternalTopics() };
  const rights = new Rights(reserved, keptLogger().logger);
  const consumers = new Consumers(known, rights, new HandClock());
  assert.deepEqual(consumers.show(permissions), {
    type: 'health',
    consumers: [
      { ws: 1, topics: ['orders', 'public-1'] },
      { ws: 2, topics: [] },
      { ws: 3, topics: [] },
    ],
  });
});
