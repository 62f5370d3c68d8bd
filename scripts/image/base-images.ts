import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, mountReadOnly, mountWritable } from './commands.ts';

/*
 * Folders in place of the base images, which need a registry: Node.js from npm, on the libraries of this Debian 12.
 * That is what the images are made of, too, so a native module that does not load here would not load there.
 */

/** The packages of gcr.io/distroless/nodejs24-debian12 that hold libraries and tables. */
const DISTROLESS = ['libc6', 'libgcc-s1', 'libgomp1', 'libssl3', 'libstdc++6', 'netbase', 'tzdata'];

const NODE_FIRST = '/node24/node_modules/.bin:/usr/local/bin:/usr/bin:/bin';

export interface BaseImage {
  readonly env: Readonly<Record<string, string>>;
  readonly prepare: (root: string) => void;
}

export function baseImages(scratch: string): Readonly<Record<string, BaseImage>> {
  const tools = join(scratch, 'node24');
  mkdirSync(tools);
  execute('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', '--loglevel=error', 'node@24', 'npm@11']);
  return {
    'node:24-bookworm-slim': {
      env: { ...process.env, PATH: NODE_FIRST, npm_config_cache: '/npm-cache', npm_config_loglevel: 'error' },
      prepare: (root) => debian(root, tools),
    },
    'gcr.io/distroless/nodejs24-debian12:nonroot': { env: {}, prepare: (root) => distroless(root, tools) },
  };
}

/** This machine's own programs, read-only, and Node.js 24 before them. */
function debian(root: string, tools: string): void {
  for (const folder of ['/usr', '/bin', '/lib', '/lib64', '/etc', '/dev', '/proc'])
    if (existsSync(folder)) mountReadOnly(folder, join(root, folder));
  mountReadOnly(tools, join(root, 'node24'));
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
  // Packages that this machine has already; npm compares their checksums with the lock file.
  const cache = execute('npm', ['config', 'get', 'cache']).trim();
  mkdirSync(join(root, 'npm-cache'));
  if (existsSync(cache)) mountWritable(cache, join(root, 'npm-cache'));
}

function distroless(root: string, tools: string): void {
  for (const folder of ['nodejs/bin', 'usr/lib', 'usr/lib64', 'etc/ssl/certs', 'home/nonroot', 'tmp', 'proc', 'dev'])
    mkdirSync(join(root, folder), { recursive: true });
  execute('ln', ['-s', 'usr/lib', join(root, 'lib')]);
  execute('ln', ['-s', 'usr/lib64', join(root, 'lib64')]);
  const files = execute('dpkg-query', ['--listfiles', ...DISTROLESS])
    .split('\n')
    .filter((file) => file !== '' && !file.includes('/share/doc/') && existsSync(file) && !isFolder(file));
  const list = join(root, '../distroless.txt');
  writeFileSync(list, files.map((file) => file.slice(1)).join('\n'));
  const unpack = `tar -C / -c --files-from ${list} | tar -C ${root} -x --keep-directory-symlink`;
  execute('/bin/sh', ['-ec', unpack]);
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
  cpSync(join(tools, 'node_modules/node/bin/node'), join(root, 'nodejs/bin/node'));
}

function isFolder(file: string): boolean {
  return statSync(file).isDirectory();
}

/** Which Debian the libraries come from: another one than the image's makes the replay worth less. */
export function thisDebian(): string {
  return /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
}
