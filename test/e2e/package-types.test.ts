import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { compile, createProject, source } from '../helpers/packed-project.ts';

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

  test('compiles laws against the packed files, and checks them in a plain program without a test runner', () => {
    assert.deepEqual(compile(folder, { 'laws.ts': source('laws') }), { status: 0, output: '' });
    const { stdout, stderr, status } = spawnSync(process.execPath, ['laws.js'], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual(
      [status, stdout, stderr],
      [0, 'all laws hold\nstamps: leaves its input as it is\na lane passed\n', ''],
    );
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

  test('reports what is wrong with a plugin, so these settings are in force', () => {
    const { output } = compile(folder, { 'plugin.ts': source('plugin').replace("header: 'number'", 'header: 1') });
    assert.match(output, /plugin\.ts.*error TS2322/);
  });
});
