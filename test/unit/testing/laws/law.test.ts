import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { checkAll, LawError, LawGateway, processorLaws } from '../../../../src/testing/index.ts';
import { remembersLast, stampsInPlace, startsAnew } from './broken-parts.ts';

const ROOT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../../../' : '../../../../', import.meta.url),
);

const errorOf = (check: () => Promise<void>) =>
  check().then(
    () => assert.fail('it held'),
    (error: unknown) => {
      assert.ok(error instanceof LawError, String(error));
      return error;
    },
  );

describe('laws', () => {
  test('have a title with the component and what it does', () => {
    const titles = processorLaws(startsAnew).map(({ title }) => title);
    assert.equal(titles[0], 'starts_anew: ends');
    assert.equal(new Set(titles).size, titles.length);
  });

  test('are checked together: the first that is broken, and the titles of the others', async () => {
    const error = await errorOf(() => checkAll(processorLaws(startsAnew, { seed: 1, runs: 20 })));
    assert.equal(error.law, 'makes what goes on from its message');
    assert.match(error.message, /\nother laws that are broken: starts_anew: hands on the duty to settle$/);
  });

  test('are tried at once with the input of the seed and the path that a message has', async () => {
    const lawOf = (options: object) => {
      const found = processorLaws(remembersLast, options).find(({ title }) => title.includes('treats each'));
      return found?.check ?? assert.fail('no such law');
    };
    const first = await errorOf(lawOf({ seed: 5 }));
    const again = await errorOf(lawOf({ seed: first.seed, path: first.path, runs: 1 }));
    assert.equal(again.message.split('\n')[2], first.message.split('\n')[2]);
  });

  test('are checked with the settings, the messages and the gateway of the options', async () => {
    const gateways: LawGateway[] = [];
    const content = { payload: Buffer.from('{"only":1}'), key: 'only', headers: [] };
    const gateway = () => {
      gateways.push(new LawGateway());
      return gateways.at(-1) as LawGateway;
    };
    const laws = processorLaws(stampsInPlace, { messages: fc.constant(content), configs: [{}], runs: 3, gateway });
    const error = await errorOf(() => checkAll(laws));
    assert.match(error.message, /\nsmallest input: \[\{"text":"\{\\"only\\":1\}","key":"only"\}\]\n/);
    assert.ok(gateways.length > 0);
    assert.throws(() => processorLaws(stampsInPlace, { configs: [{ odd: 1 }] }), /odd/);
  });

  test('are left out where a processor does not repeat itself', () => {
    const titles = (isRepeatable: boolean) => processorLaws(startsAnew, { isRepeatable }).map(({ title }) => title);
    assert.deepEqual(
      titles(true).filter((title) => !titles(false).includes(title)),
      [
        'starts_anew: does the same with the same message',
        'starts_anew: treats each message by itself',
        'starts_anew: does the same with several messages at a time',
      ],
    );
  });
});

test('nothing of tidegate/testing needs a test runner', () => {
  const folder = join(ROOT, 'src/testing');
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
  assert.ok(files.length > 40);
  for (const name of files)
    assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /'(node:test|vitest|@jest\/.*)'/, name);
});
