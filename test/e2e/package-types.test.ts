import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { compile, createProject, source } from '../helpers/packed-project.ts';

suite('a project with the strictest compiler settings', () => {
  let folder = '';
  let compiled: ReturnType<typeof compile>;
  before(() => {
    folder = createProject();
    // The compiler reads the packed types once for all programs.
    compiled = compile(folder, {
      'plugin.ts': source('plugin'),
      'embed.ts': source('embed'),
      'laws.ts': source('laws'),
      'wrong.ts': source('plugin').replace("header: 'number'", 'header: 1'),
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Status, standard output and errors of a program that was compiled. */
  const ran = (program: string) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], { cwd: folder, encoding: 'utf8' });
    return [status, stdout, stderr];
  };

  test('compiles against the packed files, and finds nothing but the mistake of the one that is wrong', () => {
    assert.notEqual(compiled.status, 0);
    const errors = compiled.output.split('\n').filter((line) => line.includes(': error '));
    assert.equal(errors.length, 1, compiled.output);
    assert.match(errors[0] ?? '', /^\S*wrong\.ts\S* error TS2322/);
    const declared = readFileSync(join(folder, 'plugin.d.ts'), 'utf8');
    assert.match(declared, /export declare const stamp: import\("tidegate\/sdk"\)\.ProcessorSpec</);
  });

  test('runs a program that embeds a gateway', () => {
    assert.deepEqual(ran('embed.js'), [0, 'ready\norders/0/0\n', '']);
  });

  test('checks laws in a plain program without a test runner', () => {
    const printed = 'all laws hold\nstamps: leaves its input as it is\na lane passed\n';
    assert.deepEqual(ran('laws.js'), [0, printed, '']);
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
});
