// Slow: it starts a process for each command.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runTidegate } from '../../helpers/command-line.ts';
import { changeText, openLog, textOf, writtenLog } from '../../helpers/embedded-damage.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../../' : '../../../', import.meta.url));
/** bin/tidegate runs what is compiled; from the sources the entry is called itself, so that no old build is tested. */
const ENTRY = IS_COMPILED ? ['bin/tidegate'] : ['--import', 'tsx', 'src/cli/index.ts'];

/** A process of its own, for what serves, and once for what the process itself does. */
function tidegate(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...ENTRY, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

/** What a command prints, without a process of its own. */
const printed = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => runTidegate(args, { env });

async function write(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  await writeFile(file, text);
  return file;
}

describe('tidegate', () => {
  test('--version is that of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(tidegate(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('--help names every command and shows how to call them', () => {
    const { status, stdout } = tidegate(['--help']);
    assert.equal(status, 0);
    for (const word of [
      'run [options] <file>',
      'lint [options] <files...>',
      'log',
      'connect',
      'token',
      '--version',
      'Examples:',
      'KAFKA_BROKERS=',
      'LOG_LEVEL',
    ]) {
      assert.ok(stdout.includes(word), `${word} is missing in\n${stdout}`);
    }
  });

  test('an unknown command is refused with what was meant', () => {
    const { status, stderr } = tidegate(['lnt', 'x']);
    assert.equal(status, 1);
    assert.match(stderr, /unknown command 'lnt'\n\(Did you mean lint\?\)/);
  });
});

describe('tidegate lint', () => {
  test('says what every right file does', async () => {
    const { status, stdout, stderr } = await printed(['lint', 'config/gateway.yaml', 'config/examples/raw.yaml']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(
      stdout,
      /^config\/gateway\.yaml: ok\n {2}log +embedded, \.\/data\n {2}listener +public on port 9090: \/ws \(envelope\), \/chat\/\{username\} \(chat\)\n {2}listener +rooms on port 8088: \/ and \/ws \(rooms\)\n/,
    );
    assert.match(
      stdout,
      / {2}memory +ceiling [\d.]+ GiB: process 256 MiB \+ pipelines 128 MiB \+ connections 2 GiB \+ memory\.limit 512 MiB\n/,
    );
    assert.match(stdout, /^config\/examples\/raw\.yaml: ok$/m);
  });

  test('shows the mistakes of all files, and those that are right as well', async (t) => {
    const one = await write(t, 'admin: { prot: 1 }\nmemory: { limit: 5 }\n');
    const other = await write(t, 'listeners: { a: {} }\n');
    const { status, stdout, stderr } = await printed(['lint', one, 'config/gateway.yaml', other, '/nowhere.yaml']);
    assert.equal(status, 1);
    assert.match(stdout, /^config\/gateway\.yaml: ok$/m);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 5);
    assert.equal(lines[0], `${one}:1:10  admin.prot  unknown key in admin; did you mean "port"?`);
    assert.ok(lines[1]?.startsWith(`${one}:2:18  memory.limit  `));
    assert.ok(lines[2]?.startsWith(`${other}:1:14  listeners.a.port  is missing`));
    assert.match(lines[3] ?? '', /^\/nowhere\.yaml cannot be read: there is no such file/);
    assert.equal(lines[4], 'tidegate: 4 mistakes');
  });

  test('prints doubts to standard error and still succeeds', async (t) => {
    const file = await write(t, 'log: { driver: embedded }\nlisteners: { spare: { port: 1 } }\n');
    const { status, stderr } = await printed(['lint', file]);
    assert.equal(status, 0);
    assert.match(stderr, /listeners\.spare {2}warning: no endpoint uses this listener/);
  });

  test('--strict: doubts are mistakes, and so is a secret in the file', async (t) => {
    const sasl = 'sasl: { mechanism: plain, username: ada, password: "hunter2" }';
    const file = await write(t, `log: { brokers: [ "a:9092" ], ${sasl} }\nlisteners: { spare: { port: 1 } }\n`);
    assert.equal((await printed(['lint', file])).status, 0);
    const { status, stderr, stdout } = await printed(['lint', '--strict', file]);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /:1:\d+ {2}log\.sasl\.password {2}warning: a secret is written here as it is; take it from/);
    assert.match(stderr, /no endpoint uses this listener\ntidegate: 2 mistakes\n$/);
    assert.doesNotMatch(stderr, /hunter2/);
  });

  test('does not ask where the gateway will run', async () => {
    assert.equal((await printed(['lint', 'config/gateway.yaml'], { NODE_ENV: 'production' })).status, 0);
  });
});

describe('tidegate connect standalone', () => {
  test("starts nothing while one of Kafka Connect's files has a mistake", async (t) => {
    const worker = await write(t, 'bootstrap.servers=127.0.0.1:1\noffset.storage.file.filename=/nowhere\n');
    const feed = await write(t, 'name=feed\n');
    const { status, stdout, stderr } = tidegate(['connect', 'standalone', worker, feed]);
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(
      stderr,
      `${feed}  connector.class  is missing: the class of the connector\ntidegate: 1 mistake, nothing was started (TG_CONFIG_INVALID)\n`,
    );
    assert.match(
      tidegate(['connect', 'standalone', '/nowhere']).stderr,
      /^tidegate: \/nowhere cannot be read: there is no such file/,
    );
  });
});

describe('tidegate run', () => {
  test('starts nothing while the file has a mistake, and shows no stack', async (t) => {
    const file = await write(t, 'admin: { prot: 1 }\n');
    const { status, stdout, stderr } = tidegate(['run', file]);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.equal(
      stderr,
      `${file}:1:10  admin.prot  unknown key in admin; did you mean "port"?\ntidegate: 1 mistake, nothing was started (TG_CONFIG_INVALID)\n`,
    );
  });

  test('ends as by a mistake where the log refuses a topic as the file has it', async (t) => {
    const topics = 'topics: { orders: { config: { cleanup.policy: shred } } }';
    const log = `log: { driver: embedded, embedded: { memory: true }, ${topics} }`;
    const file = await write(t, `${log}\nadmin: { enabled: false }\nlisteners: { public: { port: 0 } }\n`);
    const { status, stderr } = tidegate(['run', file], { LOG_LEVEL: 'silent' });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^tidegate: the topic orders cannot be created as the configuration has it: .*cleanup\.policy .*"shred" \(TG_TOPIC_INVALID\)$/m,
    );
  });

  test('shows the stack where it is asked for', () => {
    const { stderr } = tidegate(['run', '/nowhere.yaml'], { LOG_LEVEL: 'debug' });
    assert.match(stderr, /^tidegate: \/nowhere\.yaml cannot be read: there is no such file \(TG_CONFIG_UNREADABLE\)\n/);
    assert.match(stderr, /^ {4}at /m);
  });

  test('never takes the embedded log for a Kafka that was meant', () => {
    for (const name of ['KAFKA_BROKER', 'kafkaBootstrapServers']) {
      const { status, stderr } = tidegate(['run', 'config/gateway.yaml'], { [name]: 'localhost:9092' });
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${name} is set, but .* did you mean KAFKA_BROKERS\\?`));
      assert.match(stderr, /TG_DRIVER_AMBIGUOUS/);
    }
  });
});

describe('tidegate log check', () => {
  test('says what is whole, and what is damaged, and changes nothing', async (t) => {
    const { directory, data } = await writtenLog(t);
    const whole = await printed(['log', 'check', '--data', directory]);
    assert.deepEqual([whole.status, whole.stderr], [0, '']);
    assert.match(
      whole.stdout,
      /, 1 topic\n {2}topic {2}partition {2}first {2}next {2}records {2}damaged\n {2}t {14}0 {6}0 {3}100 {6}100 {8}0\n$/,
    );
    changeText(data, textOf(34));
    const before = readFileSync(data);
    const damaged = await printed(['log', 'check', '--data', directory]);
    assert.deepEqual(
      [damaged.status, damaged.stderr],
      [1, 't/0: offsets 30 to 39: damaged: the checksum of the batch is wrong\n'],
    );
    assert.match(damaged.stdout, /90 {7}10\n$/);
    assert.deepEqual(readFileSync(data), before);
  });

  test('takes the directory from a configuration, and says what is wrong with a file that is cut', async (t) => {
    const { directory, data } = await writtenLog(t);
    truncateSync(data, 20_000);
    const file = await write(t, `log: { driver: embedded, embedded: { path: ${directory} } }\n`);
    const { status, stderr } = await printed(['log', 'check', file]);
    assert.equal(status, 1);
    assert.match(stderr, /^data\.mdb is damaged: .* is not in the file, which has 20000 bytes\n$/);
  });

  test('ends with 2 where there is no log, none in a directory, one of a later version, or it is in use', async (t) => {
    const { directory } = await writtenLog(t);
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const child = spawn(process.execPath, [...ENTRY, 'log', 'check', '--data', directory], { cwd: ROOT });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const [status] = await once(child, 'close');
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`is in use by process ${process.pid}\\.`));
    const missing = await printed(['log', 'check', '--data', '/nowhere/at/all']);
    assert.deepEqual(
      [missing.status, missing.stderr],
      [2, 'tidegate: there is no directory /nowhere/at/all (TG_DATA_DIR_UNUSABLE)\n'],
    );
    const { directory: later } = await writtenLog(t);
    await writeFile(join(later, 'log.json'), '{"format":99}');
    const newer = await printed(['log', 'check', '--data', later]);
    assert.deepEqual([newer.status, newer.stdout], [2, '']);
    assert.match(newer.stderr, /cannot be checked: it was written by a later version \(format 99; this one reads 3\)/);
    const file = await write(t, 'log: { driver: kafkajs, brokers: [ "127.0.0.1:1" ] }\n');
    const kafka = await printed(['log', 'check', file]);
    assert.equal(kafka.status, 2);
    assert.match(kafka.stderr, /its log is not in a directory/);
  });
});
