import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Command } from './command-loop.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
export const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../' : '../../', import.meta.url));
const LOOP = fileURLToPath(new URL(IS_COMPILED ? './command-loop.js' : './command-loop.ts', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `ended`: rejects when the process ends. */
interface Loop {
  readonly child: ChildProcess;
  readonly ended: Promise<never>;
}

let loop: Loop | undefined;
/** The command in front. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Carries out a command that prints and ends, with no variables but PATH and those of `env`. One process does it for all
 * commands of a test process. Commands that serve or take over the process, such as `run`, have to be started.
 */
export function runTidegate(
  args: readonly string[],
  { env = {}, cwd = ROOT, input = '' }: { env?: Readonly<Record<string, string>>; cwd?: string; input?: string } = {},
): Promise<Ran> {
  const command: Command = { args, cwd, input, env: { PATH: process.env.PATH, ...env } };
  const ran = last.then(() => carriedOut(command));
  last = ran.catch(() => {});
  return ran;
}

export function tidegate(...args: string[]): Promise<Ran> {
  return runTidegate(args);
}

async function carriedOut(command: Command): Promise<Ran> {
  loop ??= begun();
  const { child, ended } = loop;
  const answered = once(child, 'message').then(([ran]) => ran as Ran);
  // It keeps the process of the tests alive as long as a test waits for it.
  child.channel?.ref();
  child.send(command);
  try {
    return await Promise.race([answered, ended]);
  } finally {
    child.channel?.unref();
  }
}

function begun(): Loop {
  const execArgv = IS_COMPILED ? ['--enable-source-maps'] : ['--import', import.meta.resolve('tsx')];
  const child = fork(LOOP, { cwd: ROOT, execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.unref();
  const ended = once(child, 'exit').then(([code]) => {
    loop = undefined;
    throw new Error(`the process of the commands ended with ${code}`);
  });
  ended.catch(() => {});
  return { child, ended };
}

/** Writes files into a new directory, which goes with the test; the path of the first. */
export async function written(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return join(folder, Object.keys(files)[0] ?? '');
}
