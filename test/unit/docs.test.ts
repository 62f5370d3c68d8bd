import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadConfig } from '../../src/config/index.ts';
import { ERRORS } from '../../src/core/errors.ts';
import type { ComponentSpec } from '../../src/sdk/define.ts';
import { Registry } from '../../src/sdk/registry.ts';
import { METRICS } from '../../src/telemetry/catalog.ts';
import { CLOSE_CODES } from '../../src/transports/websocket/close-codes.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }));

test('docs/architecture.md describes every folder of src', () => {
  const page = pages.find(({ name }) => name === 'docs/architecture.md')?.text ?? '';
  const described = [...page.matchAll(/^\| `([a-z]+)` \| [A-Z`].*\. \|$/gm)].map(([, folder]) => folder);
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  assert.deepEqual(described.sort(), folders.sort());
});

suite('the YAML of the pages', () => {
  for (const { name, line, code } of blocks('yaml')) {
    test(`${name}:${line} is a configuration that passes lint --strict`, async () => {
      const options = { env: {}, production: null, strict: true, advice: true };
      const { warnings } = await loadConfig({ text: code, name: join(ROOT, name) }, options);
      const about = warnings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
      assert.deepEqual(about, []);
    });
  }
});

suite('the examples', () => {
  const folders = ['config', 'config/examples', 'config/examples/feeds', 'examples/plugin'];
  const files = folders.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)));
  for (const file of files.filter((name) => name.endsWith('.yaml'))) {
    test(`${file} passes lint --strict`, async () => {
      const options = { env: {}, production: null, strict: true, advice: true };
      const { warnings } = await loadConfig(join(ROOT, file), options);
      assert.deepEqual(
        warnings.filter(({ severity }) => severity === 'warning').map(({ message }) => message),
        [],
      );
    });
  }
});

suite('the JavaScript of the pages', () => {
  for (const { name, line, code } of blocks('js')) {
    test(`${name}:${line} is a plugin that can be loaded`, async (t) => {
      // Inside the package, so that `tidegate/sdk` means this one.
      const folder = mkdtempSync(join(ROOT, 'dist', 'docs-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'plugin.mjs');
      writeFileSync(file, code);
      const { default: spec } = (await import(pathToFileURL(file).href)) as { default: ComponentSpec };
      const registry = new Registry();
      registry.add(spec, name);
      assert.equal(registry.find(spec.kind, spec.name), spec);
    });
  }
});

test('every link leads to something that is there', () => {
  const dead = pages.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => !leadsSomewhere(name, target))
      .map((target) => `${name}: ${target}`),
  );
  assert.deepEqual(dead, []);
});

test('every test that a promise names is there', () => {
  const named = pages.flatMap(({ text }) => [
    ...text.replaceAll(/\s+/g, ' ').matchAll(/\[[^\]]+\]\(\.\.\/(test\/[^)]+)\): "([^"]+)"/g),
  ]);
  const missing = named
    .map(([, file = '', title = '']) => ({ file, title }))
    .filter(({ file, title }) => !readFileSync(join(ROOT, file), 'utf8').includes(title));
  assert.ok(named.length > 20);
  assert.deepEqual(missing, []);
});

test('every threat has what is done, its setting or a dash, and tests that are there', () => {
  const page = pages.find(({ name }) => name === 'docs/threats.md')?.text ?? '';
  const [threats = ''] = page.split('## Attacks that were tried');
  const rows = [...threats.matchAll(/^\| (?!threat |---)(.*) \|$/gm)].map(([, row = '']) => row.split(' | '));
  assert.ok(rows.length > 60);
  assert.deepEqual(
    rows.filter((cells) => cells.length !== 4 || cells.some((cell) => cell.trim() === '')),
    [],
  );
  const isTest = (target: string) =>
    /^\.\.\/test\/.*\.test\.ts$/.test(target) && leadsSomewhere('docs/threats.md', target);
  const untested = rows.filter(([, , , tests = '']) => {
    const targets = [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    return targets.length === 0 || !targets.every(isTest);
  });
  assert.deepEqual(untested, []);
});

test('hardening.md shows config/examples/secure.yaml as it is', () => {
  const example = readFileSync(join(ROOT, 'config/examples/secure.yaml'), 'utf8').replace(/^(#.*\n)+\n/, '');
  assert.ok(blocks('yaml').some(({ name, code }) => name === 'docs/hardening.md' && code === example));
});

test('every npm script that a page names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const builtIn = ['audit', 'ci', 'install', 'pack', 'publish'];
  const missing = pages
    .flatMap(({ text }) => [...text.matchAll(/\bnpm (?:run )?([a-z:]+)/g)].map(([, script = '']) => script))
    .filter((script) => !(script in scripts) && !builtIn.includes(script));
  assert.deepEqual(missing, []);
});

test('every metric and error code that a page names is in its catalogue', () => {
  const known = new Set([...Object.keys(METRICS), ...Object.keys(ERRORS)]);
  const unknown = pages
    .flatMap(({ text }) => [...text.matchAll(/`((?:tidegate_[a-z_]+|TG_[A-Z_]+))[^`]*`/g)])
    .map(([, word = '']) => word)
    .filter((word) => !known.has(word));
  assert.deepEqual(unknown, []);
});

test('the table of close codes in docs/operations.md is the one of the gateway', () => {
  const operations = pages.find(({ name }) => name === 'docs/operations.md')?.text ?? '';
  const rows = [
    ...operations.matchAll(/^\| ([14]\d{3}) \| ([^|]+) \| [^|]+ \| (yes|no|after a pause|with another token)/gm),
  ];
  assert.deepEqual(
    rows.map(([, code, reason, reconnect]) => [Number(code), reason, reconnect]),
    Object.values(CLOSE_CODES).map(({ code, reason, reconnect }) => [code, reason, reconnect]),
  );
});

/** Fenced blocks of a language, with the indentation of their fence taken away. */
function blocks(language: string): { name: string; line: number; code: string }[] {
  return pages.flatMap(({ name, text }) =>
    [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms'))].map(
      ({ index, 1: indent = '', 2: code = '' }) => ({
        name,
        line: text.slice(0, index).split('\n').length,
        code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }),
    ),
  );
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (relative(ROOT, file).startsWith('..') || !existsSync(file)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.some(
    (heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-') === anchor,
  );
}
