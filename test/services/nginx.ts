import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  fileOf,
  type ProxyOptions,
  type ProxyProgram,
  programOf,
  type ReverseProxy,
  replaced,
  requireProxy,
  shortened,
  textOf,
} from './reverse-proxy.ts';

const FILE = 'nginx.conf';
/** One gateway of the upstream block: everything but its address stays as it is. */
const SERVER = /^( *server )127\.0\.0\.1:\d+( .*;)\n(?: *server 127.*\n)*/m;

/** NGINX_BIN, or an nginx that is installed. */
export function requireNginx(t: TestContext, options: ProxyOptions): Promise<ReverseProxy | undefined> {
  return requireProxy(t, 'nginx', program, options);
}

function program(): ProxyProgram {
  const nginx = programOf('NGINX_BIN', 'nginx');
  return {
    file: FILE,
    statusOfNone: 502,
    configure: ownFile,
    command: (config) => [nginx, '-c', config, '-e', 'stderr'],
    reload: 'SIGHUP',
  };
}

/** What `nginx -t` says of the repository's file as it is, included in an http block. */
export function checkOwnFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-nginx-'));
  const config = join(folder, FILE);
  writeFileSync(config, around(folder, `include ${fileOf(FILE)};`));
  const { stderr } = spawnSync(programOf('NGINX_BIN', 'nginx'), ['-t', '-c', config, '-e', 'stderr'], {
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true, force: true });
  return stderr;
}

function ownFile(folder: string, port: number, { gateways, divisor = 1 }: ProxyOptions): string {
  const listen = replaced(textOf(FILE), /listen 8000;/, `listen 127.0.0.1:${port};`);
  const servers = replaced(listen, SERVER, (_, before = '', after = '') =>
    gateways.map((gateway) => `${before}127.0.0.1:${gateway}${after}\n`).join(''),
  );
  return around(folder, shortened(servers, divisor));
}

/** What nginx.conf has outside of our file, by the advice in its head. Two workers, as each would count for itself without a zone. */
function around(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
pid ${join(folder, 'nginx.pid')};
error_log stderr warn;
worker_processes 2;
worker_rlimit_nofile 8192;
worker_shutdown_timeout 10m;
events { worker_connections 4096; }
http {
access_log off;
${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n')}
${http}
}
`;
}
