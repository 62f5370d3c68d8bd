import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const run = promisify(execFile);
const [COMPOSE = '', ...SUBCOMMAND] = process.env.COMPOSE_BIN ? [process.env.COMPOSE_BIN] : ['docker', 'compose'];
const compose = (...args: string[]) => run(COMPOSE, [...SUBCOMMAND, '-f', join(ROOT, 'docker-compose.yml'), ...args]);

interface Service {
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[] | Readonly<Record<string, object>>;
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
}

const { services, volumes } = parse(read('docker-compose.yml')) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};

/** Host ports of the services that start with this profile; undefined for those that always do. */
function portsOf(profile?: string): string[] {
  return Object.values(services)
    .filter(({ profiles }) => profiles?.[0] === profile)
    .flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[0] ?? ''));
}

test('every profile has its services on the ports that the documentation names, each once', () => {
  assert.deepEqual(portsOf(), ['9092', '16686', '14268', '4318', '9090', '8088', '8080']);
  assert.deepEqual(portsOf('ui'), ['8095']);
  assert.deepEqual(portsOf('observability'), ['19090', '3000']);
  assert.deepEqual(portsOf('elastic'), ['9200', '5601', '5044']);
  const all = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[0]));
  assert.equal(new Set(all).size, all.length);
});

test('mounted files exist, volumes are declared, and services wait for services that start with them', () => {
  for (const [name, { volumes: mounts = [], depends_on: after = [], profiles }] of Object.entries(services)) {
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      if (source.startsWith('./')) assert.ok(existsSync(join(ROOT, source)), `${name}: ${source}`);
      else if (!source.startsWith('/')) assert.ok(source in volumes, `${name}: ${source}`);
    }
    for (const other of Array.isArray(after) ? after : Object.keys(after)) {
      const needed = services[other];
      assert.ok(needed !== undefined, `${name}: ${other}`);
      assert.ok(needed.profiles === undefined || needed.profiles[0] === profiles?.[0], `${name}: ${other}`);
    }
  }
});

test('the gateway has a read-only root, and the label by which Filebeat and Vector find it', () => {
  const { gateway } = services;
  assert.equal(gateway?.read_only, true);
  const [[label, value] = []] = Object.entries(gateway?.labels ?? {});
  assert.ok(read('observability/elastic/filebeat.yml').includes(`docker.container.labels.${label}: "${value}"`));
  assert.ok(read('observability/logs/vector.yaml').includes(`include_labels: ["${label}=${value}"]`));
});

test('docker compose takes the file, alone and with all profiles', async (t) => {
  const version = await compose('version').catch(() => undefined);
  if (version === undefined) return t.skip('there is no docker compose; COMPOSE_BIN can name one');
  const profiles = [...new Set(Object.values(services).flatMap(({ profiles = [] }) => profiles))];
  assert.deepEqual(profiles, ['ui', 'observability', 'elastic']);
  const names = async (...options: string[]) => (await compose(...options, 'config', '--services')).stdout.split('\n');
  const always = await names();
  for (const [name, service] of Object.entries(services))
    assert.equal(always.includes(name), service.profiles === undefined, name);
  const all = await names(...profiles.flatMap((profile) => ['--profile', profile]));
  assert.deepEqual(all.filter(Boolean).sort(), Object.keys(services).sort());
});
