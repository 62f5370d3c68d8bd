import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisDebian } from './image/base-images.ts';
import { type BuiltStage, build } from './image/build.ts';
import { execute, mountAsContainer, removeScratch } from './image/commands.ts';
import { Container } from './image/container.ts';
import { execForm, lastOf, readDockerfile } from './image/dockerfile.ts';

/*
 * `npm run image:replay`, as root on Debian 12: the steps of the Dockerfile without Docker and without a registry of
 * images, and then what the image promises. For a machine that can pull images, `docker build` is the better test.
 */

if (process.getuid?.() !== 0) throw new Error('image:replay has to be root, as it mounts folders and changes users');
if (thisDebian() !== 'bookworm') console.warn(`libraries of Debian ${thisDebian()}, not of bookworm as in the image`);

const stages = readDockerfile(readFileSync('Dockerfile', 'utf8'));
const image = stages.at(-1);
assert.ok(image !== undefined);
const instruction = (name: string) => {
  const text = lastOf(image, name);
  assert.ok(text !== undefined, `${name} is missing`);
  return text;
};
const USER = instruction('USER');
const ENTRYPOINT = execForm(instruction('ENTRYPOINT'));
const CMD = execForm(instruction('CMD'));
const HEALTH = execForm(/CMD (\[.*)$/.exec(instruction('HEALTHCHECK'))?.[1] ?? '');

/** Two clients: one sends, both print what they get; the first says how its connection ended. */
const CLIENT = `
  const open = () => new WebSocket('ws://127.0.0.1:9090/ws');
  const [one, two] = [open(), open()];
  for (const socket of [one, two]) socket.onmessage = ({ data }) => console.log(data);
  one.onclose = ({ code }) => console.log('closed', code);
  const opened = (socket) => new Promise((resolve) => { socket.onopen = resolve; });
  Promise.all([opened(one), opened(two)]).then(() => one.send(JSON.stringify({ messageType: 'USER', content: 'hello', timestamp: new Date().toISOString() })));`;

const scratch = mkdtempSync(join(tmpdir(), 'tidegate-image-'));
try {
  const built = build(stages, process.cwd(), scratch);
  const size = execute('du', ['-sm', join(built.root, 'app')]).split('\t')[0];
  const volume = join(scratch, 'volume');
  cpSync(join(built.root, 'data'), volume, { recursive: true });
  execute('chown', ['--reference', join(built.root, 'data'), volume]);
  mountAsContainer(built.root, volume);
  await parts(built);
  await gateway(built, volume);
  console.log(`the image: all checks passed; /app has ${size} MiB`);
} finally {
  removeScratch(scratch);
}

/** What can be asked without a gateway: native modules, the version, the list of packages. */
async function parts(built: BuiltStage): Promise<void> {
  const natives = `
    for (const name of ['lmdb', 'snappy', 'lz4-napi']) console.log(name, Object.keys(await import(name)).length > 0);
    const { open } = await import('lmdb');
    const store = open({ path: '/data/native', noSync: true });
    await store.put('key', 'value');
    const { compressSync, uncompressSync } = await import('snappy');
    const lz4 = await import('lz4-napi');
    console.log(store.get('key'), String(uncompressSync(compressSync('text'))), String(lz4.uncompressSync(lz4.compressSync(Buffer.from('text')))));
    await store.close();`;
  await ends(built, ['node', '--input-type=module', '-e', natives], 0, /value text text/);
  await ends(built, [...ENTRYPOINT.slice(0, 2), '--version'], 0, new RegExp(packageJson().version));
  const plugin = 'const { TidegateError } = await import("tidegate/sdk"); console.log(typeof TidegateError);';
  await ends({ ...built, workdir: '/tmp' }, ['node', '--input-type=module', '-e', plugin], 0, /function/);
  // Without a broker there is nothing to run, and that is said rather than waited for.
  await ends(built, [...ENTRYPOINT, ...CMD], 1, /brokers/);

  const sbom = JSON.parse(readFileSync(join(built.root, 'app/sbom.cdx.json'), 'utf8')) as {
    bomFormat: string;
    components: { name: string; version: string }[];
  };
  assert.equal(sbom.bomFormat, 'CycloneDX');
  const installed = JSON.parse(readFileSync(join(built.root, 'app/node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  assert.deepEqual(
    [...new Set(sbom.components.map(({ name, version }) => `${name} ${version}`))].sort(),
    [
      ...new Set(Object.entries(installed.packages).map(([path, { version }]) => `${packageName(path)} ${version}`)),
    ].sort(),
    'the SBOM lists what is in the image, and nothing else',
  );
  for (const name of ['bin/sh', 'usr/bin/env', 'usr/bin/npm']) assert.ok(!existsSync(join(built.root, name)), name);
}

/** A gateway as `docker run --read-only --tmpfs /tmp` starts it, from the first health check to the stop. */
async function gateway(built: BuiltStage, volume: string): Promise<void> {
  const before = Date.now();
  const container = await Container.start(built, USER, [...ENTRYPOINT, ...CMD], { KAFKA_DRIVER: 'embedded' });
  try {
    assert.notEqual(container.run(HEALTH, { ADMIN_PORT: '1' }).code, 0, 'a health check of a port without a gateway');
    await until(
      () => container.run(HEALTH).code === 0,
      () => container.output,
    );
    console.log(`healthy after ${Date.now() - before} ms`);
    assert.match(container.status('Uid'), /^65532\s65532\s65532\s65532$/);
    assert.equal(container.status('Groups'), '');
    assert.match(container.status('CapEff'), /^0+$/);
    assert.equal(container.status('NoNewPrivs'), '1');

    const client = container.begin(['node', '-e', CLIENT]);
    await until(() => client().includes('"ACK"') && client().includes('"hello"'), client);
    const refused = container.run(['node', '-e', 'require("node:fs").writeFileSync("/app/x", "")']);
    assert.match(refused.output, /EROFS/);

    const stopped = Date.now();
    assert.equal(await container.stop(instruction('STOPSIGNAL'), 30_000), 0, container.output);
    assert.match(client(), /closed 1012/);
    console.log(`ended with 0 after ${Date.now() - stopped} ms; in /data: ${readdirSync(volume).join(' ')}`);
  } finally {
    await container.stop('SIGKILL', 5_000);
  }
}

async function until(condition: () => boolean, output: () => string): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < limit, output());
    await sleep(100);
  }
}

/** A process of the image that ends by itself, with this code and output. */
async function ends(built: BuiltStage, words: readonly string[], code: number, output: RegExp): Promise<void> {
  const container = await Container.start(built, USER, words, {});
  assert.equal(await container.ended(), code, container.output);
  assert.match(container.output, output);
}

/** node_modules/a/node_modules/@b/c is @b/c. */
function packageName(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function packageJson() {
  return JSON.parse(readFileSync('package.json', 'utf8')) as {
    version: string;
  };
}
