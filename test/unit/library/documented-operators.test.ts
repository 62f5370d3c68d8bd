import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Gateway } from '../../../src/index.ts';
import { until } from '../../helpers/gateway-process.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));

/** The plugin of that name in docs/plugins.md, as a file from which `tidegate/sdk` can be imported. */
function documented(t: TestContext, name: string): string {
  const page = readFileSync(join(ROOT, 'docs/plugins.md'), 'utf8');
  const codes = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = '']) => code);
  const folder = mkdtempSync(join(ROOT, 'dist', 'docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'plugin.mjs');
  writeFileSync(file, codes.find((code) => code.includes(`name: '${name}'`)) ?? '');
  return file;
}

/** A gateway with that operator between two topics, and the payloads of its results. */
async function running(t: TestContext, plugin: string, step: object): Promise<{ gateway: Gateway; results: string[] }> {
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    plugins: [plugin],
    log: { ...MEMORY.log, topics: { in: { partitions: 1 }, out: { partitions: 1 } } },
    pipelines: {
      p: {
        source: { topic: { names: ['in'], group: 'g', from: 'earliest' } },
        processors: [step],
        sink: { topic: { name: 'out' } },
      },
    },
  });
  const results: string[] = [];
  gateway.topic('out').records$.subscribe(({ value }) => results.push(String(value)));
  await ready(gateway);
  return { gateway, results };
}

const has = (results: readonly string[], count: number) =>
  until(
    () => results.length >= count,
    10_000,
    () => results.join(),
  );

test('the passing operator of docs/plugins.md passes what has changed', async (t) => {
  const { gateway, results } = await running(t, documented(t, 'changed'), { changed: {} });
  for (const value of ['a', 'a', 'b', 'a']) await gateway.topic('in').publish({ value });
  await has(results, 3);
  assert.deepEqual(results, ['a', 'b', 'a']);
});

test('the holding operator of docs/plugins.md gives out what time has ended', async (t) => {
  const { gateway, results } = await running(t, documented(t, 'minutes'), { minutes: { time: '${! json.at }' } });
  // The last one moves the watermark to the end of the second minute; the one before it is late.
  for (const at of [0, 59_999, 60_000, 64_999, 65_000, 30_000, 125_000])
    await gateway.topic('in').publish({ value: JSON.stringify({ at }) });
  await has(results, 2);
  assert.deepEqual(results, ['{"end":60000,"count":2}', '{"end":120000,"count":3}']);
});
