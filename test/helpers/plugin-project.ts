import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const KINDS = ['processor', 'operator', 'source', 'sink', 'codec'] as const;

/** Runs a command in a project, which has to end well; what it printed. */
export async function runs(folder: string, command: string, ...args: readonly string[]): Promise<string> {
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
  assert.equal(code, 0, `${command} ${args.join(' ')} in ${folder}:\n${output}`);
  return output;
}

/** Makes a project below a folder that has tidegate; its path. */
export async function createPlugin(
  folder: string,
  kind: (typeof KINDS)[number],
  language: 'ts' | 'js',
): Promise<string> {
  const name = `my-${kind}-${language}`;
  const options = ['--kind', kind, ...(language === 'js' ? ['--js'] : [])];
  const said = await runs(folder, join(folder, 'node_modules/.bin/tidegate'), 'create', 'plugin', name, ...options);
  assert.match(said, new RegExp(`^${name}: a ${kind} in \\d files; begin with ${name}/src/${name}\\.${language}\n`));
  const project = join(folder, name);
  assert.match(readFileSync(join(project, 'gateway.yaml'), 'utf8'), new RegExp(`my_${kind}_${language}`));
  return project;
}

/** The project builds, and passes its own tests and lint. */
export async function passes(project: string): Promise<void> {
  assert.match(await runs(project, 'npm', 'test'), /pass (?:[4-9]|\d\d)/);
  assert.match(await runs(project, 'npm', 'run', 'lint'), /gateway\.yaml: ok/);
}
