import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltStage } from './build.ts';

/* One run of an image: the first process of a process namespace, with a network of its own and no privileges. */

export interface Result {
  readonly code: number | null;
  readonly output: string;
}

export class Container {
  readonly #image: BuiltStage;
  readonly #user: readonly [string, string];
  readonly #process: ChildProcess;
  readonly pid: number;
  output = '';

  private constructor(image: BuiltStage, user: readonly [string, string], child: ChildProcess, pid: number) {
    this.#image = image;
    this.#user = user;
    this.#process = child;
    this.pid = pid;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.output += String(chunk)));
  }

  static async start(image: BuiltStage, user: string, words: readonly string[], env: Record<string, string>) {
    const [uid = '', gid = ''] = user.split(':');
    const inside = ['--pid', '--fork', '--kill-child', '--mount-proc', '--root', image.root, '--wd', image.workdir];
    const child = spawn(
      '/usr/bin/setpriv',
      // biome-ignore format: a command line
      ['--no-new-privs', '/usr/bin/unshare', '--net', '/bin/sh', '-ec', '/sbin/ip link set lo up; exec "$@"', 'sh',
        '/usr/bin/unshare', ...inside, '--setgid', gid, '--setuid', uid, ...words],
      { env: { ...image.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return new Container(image, [uid, gid], child, await firstChild(child.pid ?? 0));
  }

  /** As `docker exec`. */
  run(words: readonly string[], env: Record<string, string> = {}): Result {
    const { status, stdout, stderr, error } = spawnSync('/usr/bin/nsenter', this.#entering(words), {
      env: { ...this.#image.env, ...env },
      encoding: 'utf8',
      timeout: 20_000,
    });
    return { code: status, output: `${stdout}${stderr}${error ?? ''}`.trim() };
  }

  /** As `docker exec --detach`: what it has written so far. */
  begin(words: readonly string[]): () => string {
    const child = spawn('/usr/bin/nsenter', this.#entering(words), { env: this.#image.env, stdio: 'pipe' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    return () => output;
  }

  #entering(words: readonly string[]): string[] {
    const [uid, gid] = this.#user;
    const where = ['--net', '--pid', '--mount', '--root', `--wdns=${this.#image.workdir}`];
    return ['--target', String(this.pid), ...where, '--setgid', gid, '--setuid', uid, ...words];
  }

  /** As `docker stop`: the exit code, or undefined where the process did not end in time. */
  async stop(signal: string, patience: number): Promise<number | undefined> {
    if (this.#process.exitCode === null) process.kill(this.pid, constants.signals[signal as NodeJS.Signals]);
    const ended = this.ended();
    const code = await Promise.race([ended, sleep(patience, undefined, { ref: false })]);
    if (code === undefined) this.#process.kill('SIGKILL');
    return code;
  }

  async ended(): Promise<number> {
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
    return this.#process.exitCode ?? 1;
  }

  /** A line of /proc/PID/status, such as Uid. */
  status(name: string): string {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1] ?? '';
  }
}

/** The process that unshare has forked in the new namespace, once it is there. */
async function firstChild(parent: number): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
    // Before the fork, /bin/sh has `ip` as its child for a moment.
    if (children !== '' && /^NSpid:\s*\d+\s+1$/m.test(readFileSync(`/proc/${children}/status`, 'utf8')))
      return Number(children);
    await sleep(25);
  }
  throw new Error('the process did not start');
}
