import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Permissions } from '../../../src/core/permissions.ts';
import { KeptViews } from '../../../src/topics/kept-views.ts';

test('a view is kept for all to whom the same is allowed of what it depends on', () => {
  const views = new KeptViews<string>('read', 'write');
  views.keep(new Permissions({ read: ['a'], groups: ['ada-*'] }), 'of a');
  assert.equal(views.of(new Permissions({ read: ['a'], groups: ['bob-*'] })), 'of a');
  assert.equal(views.of(new Permissions({ read: ['a'], write: ['a'] })), undefined);
  assert.equal(views.of(new Permissions({ read: ['a', 'b'] })), undefined);
  assert.equal(views.of(new Permissions({ read: ['a","b'] })), undefined);
});

test('sixteen views are kept, the ones that were made last', () => {
  const views = new KeptViews<number>('read');
  const of = (name: number) => new Permissions({ read: [String(name)] });
  for (let name = 0; name < 16; name += 1) views.keep(of(name), name);
  views.keep(of(0), 100);
  views.keep(of(16), 16);
  assert.deepEqual([views.of(of(0)), views.of(of(1)), views.of(of(2)), views.of(of(16))], [100, undefined, 2, 16]);
});
