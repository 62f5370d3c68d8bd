import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
/** A program that does not end by itself has left something open. */
const PATIENCE = 60_000;

interface Ending {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs a program to its own end. */
async function run(file: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Ending> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: output.split('\n').filter((line) => line !== ''), errors };
}

test('a program with a server of its own embeds a gateway, reads and writes topics, and ends by itself', async () => {
  const { code, lines, errors } = await run('examples/library/embed.mjs');
  assert.deepEqual([code, errors], [0, '']);
  const orders = lines.filter((line) => /^order of \d+ in Delft/.test(line)).map((line) => line.slice(0, 10));
  assert.deepEqual(orders, ['order of 5', 'order of 7']);
  for (const line of [
    'GET / is still answered by the program: the page of the shop',
    'a client of Delft came',
    '< {"type":"ack","id":1,"outcome":"stored"}',
    '< {"branch":"Delft","sum":12}',
    'orders: 1 connected',
    'orders: running.flowing, takings: running.flowing',
    'a client of Delft left (1012)',
  ])
    assert.ok(lines.includes(line), `there is no line "${line}" in\n${lines.join('\n')}`);
  assert.equal(lines.at(-1), 'stopped, 0 messages given up');
});

test("a program that moved over from S2 with the same options serves S2's clients, and ends by itself", async () => {
  const { code, lines, errors } = await run('examples/library/from-s2.mjs', [], { PORT: '0' });
  assert.equal(code, 0);
  assert.deepEqual(lines, [
    'producer-ready',
    'wss-ready',
    'ws-connection topics /',
    '> {"id":1,"t":"topic","a":"create","p":["greetings"]}',
    '< {"id":1,"refid":1,"t":"topic","a":"create","s":0,"p":["greetings"]}',
    '> {"id":2,"t":"topic","a":"subscribe","p":{"t":["greetings"]}}',
    'consumer-ready kafka-node-group',
    '< {"id":2,"refid":2,"t":"topic","a":"subscribe","p":["greetings"],"s":0}',
    '> {"id":3,"t":"notif","a":"create","p":{"t":"greetings","m":"hello"}}',
    'consumer-message hello',
    '< [{"id":3,"t":"notif","p":"hello"}]',
    'ws-close',
  ]);
  const warned = [...errors.matchAll(/s2\.(\w+\.\w+)/g)].map(([, option]) => option);
  assert.deepEqual(warned, [
    'kafka_config.connectTimeout',
    'kafka_config.requestTimeout',
    'producer_config.requireAcks',
    'producer_config.ackTimeoutMs',
    'consumer_config.protocol',
  ]);
});

suite('the programs of docs/library.md', () => {
  const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
  const said = [/ws:\/\/localhost:\d+\/ticks$/, /in the log as orders\/\d\/0$/, /ws:\/\/localhost:\d+\/chat\/Ada$/];
  const programs = [...page.matchAll(/^```javascript\n(.*?)^```/gms)].map(([, code = '']) => code);

  test('are as many as are run here', () => assert.equal(programs.length, said.length));

  for (const [index, program] of programs.entries()) {
    test(`number ${index + 1} says what it should and ends by itself`, async (t) => {
      // Inside the package, so that `tidegate` means this one.
      const folder = mkdtempSync(join(ROOT, 'dist', 'docs-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'program.mjs');
      writeFileSync(file, program);
      const { code, lines, errors } = await run(file);
      assert.deepEqual([code, errors], [0, '']);
      assert.ok(
        lines.some((line) => said[index]?.test(line)),
        lines.join('\n'),
      );
    });
  }
});

/** What a compiler has to say about the package's own types: the lines marked are mistakes, the others are none. */
const TYPED = `
import { createGateway, type Gateway, type TopicRecord } from 'tidegate';

const gateway: Gateway = await createGateway({ config: { listeners: { public: { port: 9090 } } } });
gateway
  .on('ws-connection', ({ id, params }, { headers }) => [id.length, params.name?.length, headers.host?.length])
  .on('ws-close', (_connection, { code }) => code.toFixed())
  .on('error', ({ message, facts }) => [message.length, facts.pipeline]);
gateway.topic('t').records$.subscribe((record: TopicRecord) => record.key?.length ?? record.offset.toFixed());
gateway.connections$.subscribe((change) => (change.type === 'closed' ? change.close.code : change.request.url));
// @ts-expect-error there is no such event
gateway.on('ws-nonsense', () => {});
// @ts-expect-error a port is no list
await createGateway({ config: { listeners: { public: { port: [] } } } });
// @ts-expect-error the driver has a typing mistake
await createGateway({ config: { log: { driver: 'embeded' } } });
// @ts-expect-error YAML has its own place for the sections of S2
await createGateway({ config: 'log: {}', s2: {} });
// @ts-expect-error a record has a value
await gateway.topic('t').publish({ key: 'k' });
`;

test('the types of the package hold for the examples, and find mistakes', async (t) => {
  const folder = mkdtempSync(join(ROOT, 'dist', 'types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'typed.mts');
  writeFileSync(file, TYPED);
  const options =
    '--ignoreConfig --noEmit --strict --skipLibCheck --allowJs --checkJs --target es2023 --module nodenext';
  const { code, lines } = await run('node_modules/typescript/bin/tsc', [
    ...options.split(' '),
    ...['--types', 'node'],
    ...[file, 'examples/library/embed.mjs', 'examples/library/from-s2.mjs'],
  ]);
  assert.deepEqual([code, lines], [0, []]);
});
