import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinRegistry, builtins } from '../../../src/config/builtins.ts';
import { Registry } from '../../../src/sdk/registry.ts';

test('every component of Tidegate follows the rules for plugins, its examples among them', () => {
  const registry = new Registry();
  for (const spec of builtins(registry)) registry.add(spec, 'tidegate');
  assert.ok(registry.all('sink').length >= 6);
});

test('no two components of Tidegate have one name, and all of them can be found', () => {
  const registry = builtinRegistry();
  for (const spec of builtins(registry)) assert.equal(registry.find(spec.kind, spec.name)?.summary, spec.summary);
});
