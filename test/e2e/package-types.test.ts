import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

/** The strictest that a program of today is likely to have. */
const STRICT = {
  target: 'es2023',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  declaration: true,
  skipLibCheck: false,
};

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** A project that has the package as npm would install it. */
function createProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-package-'));
  // What was built for these tests is packed; the script `prepack` would build it again.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed.toString()) as [{ filename: string }];
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'tidegate'), { recursive: true });
  execFileSync('tar', ['xzf', filename, '-C', join(modules, 'tidegate'), '--strip-components=1'], { cwd: folder });
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  return folder;
}

/** Compiles programs as files of the project. */
function compile(
  folder: string,
  programs: Readonly<Record<string, string>>,
  ...options: string[]
): { status: number | null; output: string } {
  for (const [name, source] of Object.entries(programs)) writeFileSync(join(folder, name), source);
  const settings = { compilerOptions: STRICT, files: Object.keys(programs) };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder, ...options], { encoding: 'utf8' });
  return { status, output: stdout };
}

const source = (name: string) => readFileSync(join(ROOT, `test/fixtures/package/${name}.ts.txt`), 'utf8');

suite('a project with the strictest compiler settings', () => {
  let folder = '';
  before(() => {
    folder = createProject();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('compiles a plugin and a program that embeds a gateway against the packed files, and runs it', () => {
    const programs = { 'plugin.ts': source('plugin'), 'embed.ts': source('embed') };
    assert.deepEqual(compile(folder, programs), { status: 0, output: '' });
    const declared = readFileSync(join(folder, 'plugin.d.ts'), 'utf8');
    assert.match(declared, /export declare const stamp: import\("tidegate\/sdk"\)\.ProcessorSpec</);
    const { stdout, stderr, status } = spawnSync(process.execPath, ['embed.js'], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, 'ready\norders/0/0\n', '']);
  });

  test('reads no types of state machines: how the gateway works inside is in none of its public types', () => {
    const programs = { 'plugin.ts': source('plugin'), 'embed.ts': source('embed') };
    const read = compile(folder, programs, '--listFilesOnly').output.split('\n');
    assert.ok(read.some((file) => file.includes('tidegate/dist/src/sdk/index.d.ts')));
    assert.deepEqual(
      read.filter((file) => /node_modules\/xstate\/|tidegate\/dist\/src\/actors\/.*machine/.test(file)),
      [],
    );
  });

  test('is told what is wrong with a plugin, so these settings are in force', () => {
    const { output } = compile(folder, { 'plugin.ts': source('plugin').replace("header: 'number'", 'header: 1') });
    assert.match(output, /plugin\.ts.*error TS2322/);
  });
});
