import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Codec } from '../../../../src/core/component.ts';
import type { Effect } from '../../../../src/core/effect.ts';
import { checkEffects, EFFECTS } from '../../../../src/testing/laws/codec-checks.ts';

const ROOT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../../../' : '../../../../', import.meta.url),
);

const HISTORY: Effect = { type: 'history', channel: 'a', query: { limit: 1, reverse: false } };
const PRESENCE: Effect = { type: 'presence', channel: 'a', counts: false };

function check(channels: object | undefined, ...effects: Effect[]): void {
  checkEffects({ channels } as Codec, { step: 'frame', effects, frame: null } as Parameters<typeof checkEffects>[1]);
}

test('a codec asks for the presence and the history of a channel where its channels have them', () => {
  check({ presence: {}, history: {} }, PRESENCE, HISTORY);
  assert.throws(() => check({ presence: {} }, PRESENCE, HISTORY), /a history of a codec without history/);
  assert.throws(() => check({ history: {} }, PRESENCE, HISTORY), /a presence of a codec without presence/);
});

test('docs/plugins.md names each effect of a codec', () => {
  const page = readFileSync(join(ROOT, 'docs/plugins.md'), 'utf8');
  const [, named = ''] = /^- The effects are (.*?)\.$/ms.exec(page) ?? [];
  const names = [...named.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(names.sort(), [...EFFECTS].sort());
});
