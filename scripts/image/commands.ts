import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/* Programs that the replay calls. They work in a mount namespace of their own, which ends with it. */

export function execute(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 100_000_000,
  });
}

export function mountReadOnly(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  execute('mount', ['-o', 'rbind', source, target]);
  execute('mount', ['-o', 'remount,bind,ro', target]);
}

export function mountWritable(source: string, target: string): void {
  execute('mount', ['--bind', source, target]);
}

export function mountMemory(target: string, options: string): void {
  execute('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', target]);
}

/** The root of the image as it runs: read-only, with a fresh volume, /tmp in memory and the devices of a container. */
export function mountAsContainer(root: string, volume: string): void {
  mountWritable(root, root);
  mountMemory(join(root, 'tmp'), 'mode=1777,size=64m');
  mountMemory(join(root, 'dev'), 'mode=755,size=1m');
  for (const device of ['null', 'zero', 'random', 'urandom']) {
    execute('touch', [join(root, 'dev', device)]);
    mountWritable(join('/dev', device), join(root, 'dev', device));
  }
  mkdirSync(join(root, 'dev/shm'));
  mountMemory(join(root, 'dev/shm'), 'mode=1777,size=64m');
  mountWritable(volume, join(root, 'data'));
  execute('mount', ['-o', 'remount,bind,ro', root]);
}

/** Deletes only what is surely ours: as long as a folder of the machine is mounted inside, nothing is deleted. */
export function removeScratch(scratch: string): void {
  const inside = () => mountPoints().filter((point) => point.startsWith(`${scratch}/`));
  for (const point of inside().reverse()) execute('umount', ['--lazy', point]);
  if (inside().length > 0) throw new Error(`${scratch} is left: ${inside().join()} could not be unmounted`);
  execute('rm', ['-rf', scratch]);
}

function mountPoints(): string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').trim().split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '');
}
