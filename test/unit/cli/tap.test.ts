// Slow: it starts a process for each command.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeMessage } from '../../../src/cli/tap/describe-message.ts';
import type { TappedMessage } from '../../../src/core/tap.ts';
import { gatewayOf, MEMORY, ready } from '../library/rig.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../../' : '../../../', import.meta.url));
const ENTRY = IS_COMPILED ? ['bin/tidegate'] : ['--import', 'tsx', 'src/cli/index.ts'];

/** A gateway whose operators have a token, with a pipeline that makes messages. */
async function gateway(t: TestContext) {
  const made = await gatewayOf(t, {
    ...MEMORY,
    auth: {
      operators: {
        bearer: { tokens: { ada: 'the-token-of-an-operator' } },
        basic: { bob: 'the password: 100% of it' },
      },
    },
    admin: { port: 0, host: '127.0.0.1', auth: 'operators' },
    pipelines: {
      made: {
        source: { generate: { interval: '20ms', payload: { n: 5 }, key: 'k' } },
        sink: { topic: { name: 'out' } },
      },
    },
  });
  await ready(made);
  return { gateway: made, url: `http://127.0.0.1:${made.ports().admin}` };
}

function tap(t: TestContext, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...ENTRY, 'tap', ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const printed = { out: '', error: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    printed.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed.error += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  /** Resolves when something is printed, or nothing more will be. */
  const begun = Promise.race([once(child.stdout, 'data'), ended]);
  return { child, printed, begun, ended };
}

test('messages are printed one a line, until the limit', async (t) => {
  const { url } = await gateway(t);
  const { printed, ended } = tap(t, ['made', '--limit', '2', '--url', url], {
    TIDEGATE_TOKEN: 'the-token-of-an-operator',
  });
  assert.equal(await ended, 0, printed.error);
  assert.equal(printed.out, 'key=k  {"n":5}\nkey=k  {"n":5}\n');
  assert.equal(printed.error, 'tidegate: made, place 1 (sink)\ntidegate: 2 messages were shown\n');
});

test('with --json the lines are those of the gateway, and a token may be in a file', async (t) => {
  const { url } = await gateway(t);
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'the-token-of-an-operator\n');
  const filter = ['--filter', 'json.n = 5', '--at', '0', '--rate', '5'];
  const { printed, ended } = tap(t, ['made', '--json', '--limit', '1', '--url', url, '--token-file', file, ...filter]);
  assert.equal(await ended, 0, printed.error);
  const [head, message, end] = printed.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(head, { tapped: 'made', at: 0, place: 'source' });
  assert.deepEqual(message?.json, { n: 5 });
  assert.deepEqual(end, { ended: '1 message was shown' });
});

test('a user and a password may be in the URL', async (t) => {
  const { url } = await gateway(t);
  const withPassword = (password: string) => url.replace('//', `//bob:${password}@`);
  const { printed, ended } = tap(t, [
    'made',
    '--limit',
    '1',
    '--url',
    withPassword(encodeURIComponent('the password: 100% of it')),
  ]);
  assert.equal(await ended, 0, printed.error);
  assert.equal(printed.out, 'key=k  {"n":5}\n');
  const wrong = tap(t, ['made', '--url', withPassword('100%')]);
  assert.equal(await wrong.ended, 1);
  assert.match(wrong.printed.error, /answers 401/);
  assert.doesNotMatch(wrong.printed.error, /100%/);
});

test('Ctrl-C ends it with exit code 0, and the end of the gateway as well', async (t) => {
  const { gateway: running, url } = await gateway(t);
  const env = { TIDEGATE_TOKEN: 'the-token-of-an-operator' };
  const first = tap(t, ['made', '--url', url], env);
  await first.begun;
  first.child.kill('SIGINT');
  assert.equal(await first.ended, 0, first.printed.error);
  const second = tap(t, ['made', '--url', url], env);
  await second.begun;
  await running.stop();
  assert.equal(await second.ended, 0, second.printed.error);
  assert.match(second.printed.error, /the pipeline made was stopped or replaced/);
});

test('what is refused ends it with exit code 1 and what to do', async (t) => {
  const { url } = await gateway(t);
  const cases: [args: string[], env: Record<string, string>, message: RegExp][] = [
    [['made', '--url', url], {}, /answers 401: .*give the token of an operator in TIDEGATE_TOKEN or with --token-file/],
    [
      ['mad', '--url', url],
      { TIDEGATE_TOKEN: 'the-token-of-an-operator' },
      /there is no pipeline mad; .*did you mean "made"\?/,
    ],
    [['made', '--url', 'http://127.0.0.1:1'], {}, /no gateway answers at http:\/\/127\.0\.0\.1:1: .*say with --url/],
    [['made', '--url', 'nowhere'], {}, /--url: expected a URL such as/],
    [['made', '--url', url, '--token-file', '/nowhere/token'], {}, /\/nowhere\/token cannot be read/],
  ];
  const runs = cases.map(([args, env, message]) => ({ run: tap(t, args, env), message }));
  for (const { run, message } of runs) {
    assert.equal(await run.ended, 1);
    assert.match(run.printed.error, message);
    assert.equal(run.printed.out, '');
  }
});

test('a message is one line, whatever is in it', () => {
  const described = (message: TappedMessage) => describeMessage(message, JSON.stringify(message));
  assert.equal(
    described({
      topic: 'orders',
      partition: 0,
      offset: 15,
      client_id: 'c1',
      key: { base64: '/w==' },
      headers: [
        ['a', ',"json":1'],
        ['b', null],
      ],
      size: 3,
      json: { t: 1 },
    }),
    'orders/0/15  client=c1  key=base64:/w==  a=,"json":1  b=null  {"t":1}',
  );
  assert.equal(
    described({ size: 40_000, text: 'a\n\u001b[31mb', truncated: true }),
    'a\\x0a\\x1b[31mb... (40000 bytes)',
  );
  assert.equal(described({ size: 1, base64: '/w==' }), 'base64:/w==');
});
