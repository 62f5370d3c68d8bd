import { spawnSync } from 'node:child_process';
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

const FILE = 'haproxy.cfg';
/** Lines of gateways. */
const SERVERS = /^( *)server a 127\.0\.0\.1:\d+\n(?: *server .*\n?)*/m;
/** More files than a machine for tests may let a process open. */
const SOCKETS = /maxconn 100000/;

/** HAPROXY_BIN, or a HAProxy that is installed. */
export function requireHaproxy(t: TestContext, options: ProxyOptions): Promise<ReverseProxy | undefined> {
  return requireProxy(t, 'HAProxy', () => program(), options);
}

/** The same without HTTP: bytes are passed on behind a PROXY header. `option` of the line of a server, such as send-proxy-v2. */
export function requireHaproxyOver(t: TestContext, gateway: number, option: string): Promise<ReverseProxy | undefined> {
  const configure = (_folder: string, port: number) => `global
  maxconn 100
defaults
  mode tcp
  timeout connect 1s
  timeout client 30s
  timeout server 30s
listen gateway
  bind 127.0.0.1:${port}
  server g 127.0.0.1:${gateway} ${option}
`;
  return requireProxy(t, 'HAProxy', () => program(configure), { gateways: [gateway] });
}

function program(configure: ProxyProgram['configure'] = ownFile): ProxyProgram {
  const haproxy = programOf('HAPROXY_BIN', 'haproxy');
  return {
    file: FILE,
    statusOfNone: 503,
    configure,
    // Master and worker, as the unit of Debian starts it.
    command: (config) => [haproxy, '-W', '-db', '-f', config],
    reload: 'SIGUSR2',
  };
}

/** What `haproxy -c` says of the repository's file as it is. */
export function checkOwnFile(): string {
  const { stdout, stderr } = spawnSync(programOf('HAPROXY_BIN', 'haproxy'), ['-c', '-f', fileOf(FILE)], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

function ownFile(_folder: string, port: number, { gateways, divisor = 1 }: ProxyOptions): string {
  const bound = replaced(textOf(FILE), /bind :8000/, `bind 127.0.0.1:${port}`);
  const servers = replaced(bound, SERVERS, (_, indent = '') =>
    gateways.map((gateway, at) => `${indent}server g${at} 127.0.0.1:${gateway}\n`).join(''),
  );
  return shortened(replaced(servers, SOCKETS, 'maxconn 4000'), divisor);
}
