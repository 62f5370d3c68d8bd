import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createProject } from '../helpers/packed-project.ts';

const KINDS = ['processor', 'operator', 'source', 'sink', 'codec'] as const;

/** What a command printed, and its exit code. */
async function run(folder: string, command: string, ...args: readonly string[]) {
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_offline: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Runs a command that has to end well. */
async function runs(folder: string, command: string, ...args: readonly string[]): Promise<string> {
  const { code, output } = await run(folder, command, ...args);
  assert.equal(code, 0, `${command} ${args.join(' ')} in ${folder}:\n${output}`);
  return output;
}

suite('a project that tidegate create plugin makes, with the packed tidegate', { concurrency: 2 }, () => {
  let folder = '';
  before(() => {
    folder = createProject(['typescript', 'undici-types']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const kind of KINDS)
    for (const language of ['ts', 'js'] as const)
      test(`for a ${kind} in ${language} builds, lints and passes its own tests at once`, async () => {
        const name = `my-${kind}-${language}`;
        const tidegate = join(folder, 'node_modules/.bin/tidegate');
        const options = ['--kind', kind, ...(language === 'js' ? ['--js'] : [])];
        const said = await runs(folder, tidegate, 'create', 'plugin', name, ...options);
        assert.match(
          said,
          new RegExp(`^${name}: a ${kind} in \\d files; begin with ${name}/src/${name}\\.${language}\n`),
        );
        const project = join(folder, name);
        await runs(project, 'npm', 'run', 'build');
        const tests = await runs(project, 'npm', 'test');
        assert.match(tests, /pass (?:[4-9]|\d\d)/);
        const linted = await runs(project, 'npm', 'run', 'lint');
        assert.match(linted, /gateway\.yaml: ok/);
        const component = `my_${kind}_${language}`;
        assert.match(readFileSync(join(project, 'gateway.yaml'), 'utf8'), new RegExp(component));
      });
});
