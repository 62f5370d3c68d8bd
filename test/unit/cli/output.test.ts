import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drained } from '../../../src/cli/drain.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../../' : '../../../', import.meta.url));
const ENTRY = IS_COMPILED ? ['bin/tidegate'] : ['--import', 'tsx', 'src/cli/index.ts'];
const COUNT = 5_000;

async function write(t: TestContext, port: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  const listeners = Array.from({ length: COUNT }, (_, index) => `  listener-${index}: { port: ${port} }`);
  await writeFile(file, `log: { driver: embedded }\nlisteners:\n${listeners.join('\n')}\n`);
  return file;
}

function tidegate(...args: string[]) {
  return spawn(process.execPath, [...ENTRY, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Reads nothing before the process has ended, or has had long enough to fill the pipe and wait for room in it. */
async function readLate(child: ReturnType<typeof tidegate>, name: 'stdout' | 'stderr'): Promise<string> {
  child[name === 'stdout' ? 'stderr' : 'stdout'].resume();
  await Promise.race([once(child, 'exit'), pause(4_000)]);
  let text = '';
  for await (const chunk of child[name]) text += chunk;
  return text;
}

describe('output that is read slowly comes to its end', { concurrency: true }, () => {
  test('of lint, what files do', async (t) => {
    const child = tidegate('lint', await write(t, '0'));
    const exit = once(child, 'exit');
    const text = await readLate(child, 'stdout');
    assert.match(text, new RegExp(`listener-${COUNT - 1} on port 0`));
    assert.match(text, / memory +ceiling .*\n$/);
    assert.deepEqual(await exit, [0, null]);
  });

  for (const command of ['lint', 'run']) {
    test(`of ${command}, mistakes`, async (t) => {
      const child = tidegate(command, await write(t, 'x'));
      const exit = once(child, 'exit');
      const text = await readLate(child, 'stderr');
      assert.equal(text.split('\n').length, COUNT + 2);
      assert.match(text, new RegExp(`\ntidegate: ${COUNT} mistakes.*\n$`));
      assert.deepEqual(await exit, [1, null]);
    });
  }
});

test('a reader that goes away is no error of lint', async (t) => {
  const command = [process.execPath, ...ENTRY, 'lint', await write(t, '0')].map((word) => `'${word}'`).join(' ');
  // As with `2>&1 | head -1`.
  const child = spawn('sh', ['-c', `exec ${command} 2>&1`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  child.stdout.once('readable', () => child.stdout.destroy());
  assert.deepEqual(await exit, [0, null]);
});

test('a gateway waits for its output to be read, but not for a reader that reads nothing', async () => {
  const written: string[] = [];
  const slow = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      setTimeout(done, 30);
    },
  });
  for (const line of ['a', 'b', 'c', 'd', 'e']) slow.write(line);
  await drained([slow], 200);
  assert.equal(written.join(''), 'abcde');

  const stuck = new Writable({ write: () => {} });
  stuck.write('a');
  await drained([stuck], 20);
  assert.equal(stuck.writableLength, 1);
});
