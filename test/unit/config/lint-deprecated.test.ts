import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { builtinRegistry, loadConfig } from '../../../src/config/index.ts';
import { lintDeprecated } from '../../../src/config/lint/lint-deprecated.ts';
import { configJsonSchema, toJsonSchema } from '../../../src/config/reference/json-schema.ts';
import { defineProcessor } from '../../../src/sdk/define.ts';
import * as field from '../../../src/sdk/fields.ts';
import type { Registry } from '../../../src/sdk/registry.ts';

function registryWithOld(): Registry {
  const registry = builtinRegistry();
  const config = z.strictObject({
    wait: field.duration().optional().meta(field.deprecated('use pause')).describe('A pause.'),
    pause: field.duration().optional().describe('A pause.'),
    at: z.array(z.strictObject({ x: z.number().meta(field.deprecated('use y')) })).optional(),
  });
  registry.add(
    defineProcessor({
      name: 'old',
      summary: 'Has old settings.',
      config,
      examples: [],
      create: () => ({ process: (message) => message }),
    }),
    'test',
  );
  return registry;
}

const text = (settings: string) =>
  [
    'log: { driver: embedded }',
    'listeners: { public: { port: 9090 } }',
    'endpoints: { e: { listener: public, path: /, codec: json } }',
    `pipelines: { in: { source: { endpoint: e }, processors: [ { old: ${settings} } ], sink: { topic: { name: t } } } }`,
  ].join('\n');

async function said(settings: string, advice = true): Promise<string[]> {
  const from = { text: text(settings), name: 'f.yaml' };
  const { warnings } = await loadConfig(from, { registry: registryWithOld(), env: {}, production: null, advice });
  return warnings.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

test('a deprecated setting is reported at its name, with what to use', async () => {
  const place = 'pipelines.in.processors[0].old';
  assert.deepEqual(await said('{ wait: 5ms, at: [ { x: 1 } ] }'), [
    `4:68 ${place}.wait: this setting is deprecated: use pause`,
    `4:87 ${place}.at[0].x: this setting is deprecated: use y`,
  ]);
  assert.deepEqual(await said('{ pause: 5ms }'), []);
  assert.deepEqual(await said('{ wait: 5ms }', false), []);
});

test('the schema of editors says that a setting is deprecated, and what to use', () => {
  const config = registryWithOld().find('processor', 'old')?.config as z.ZodType;
  const { wait, pause } = toJsonSchema(config).properties as Record<string, Record<string, unknown>>;
  assert.deepEqual([wait?.deprecated, wait?.deprecationMessage], [true, 'use pause']);
  assert.deepEqual([pause?.deprecated, pause?.deprecationMessage], [undefined, undefined]);
});

test('no setting of ours is deprecated without words', () => {
  const schema = configJsonSchema(builtinRegistry());
  assert.doesNotMatch(JSON.stringify(schema), /"deprecated":"|"deprecated":true(?!,"deprecationMessage":"use )/);
  assert.deepEqual(lintDeprecated(schema, { log: { driver: 'embedded' } }), []);
});
