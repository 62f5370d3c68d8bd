import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const IS_SOURCE = import.meta.url.endsWith('.ts');
/** The sources run through tsx, what tsc built runs as it is. */
const LOADER = IS_SOURCE ? ['--import', 'tsx'] : [];
const moduleOf = (path: string) =>
  JSON.stringify(new URL(`../../../src/${path}.${IS_SOURCE ? 'ts' : 'js'}`, import.meta.url).href);

/** A process that does this while a thread of LMDB waits for it in the middle of a transaction. */
async function whileWriting(t: TestContext, act: string) {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-unit-'));
  const program = `
    import { endProcess } from ${moduleOf('core/process-end')};
    import { Environment } from ${moduleOf('transports/embedded/file/environment')};
    const environment = new Environment(${JSON.stringify(directory)}, true);
    environment.transact(() => environment.counts.putSync('topics', 1)).catch(() => {});
    // LMDB begins with the next turn; its thread then needs this one, which is busy.
    setImmediate(() => {
      for (const began = Date.now(); Date.now() - began < 300; );
      ${act};
    });`;
  const child = spawn(process.execPath, [...LOADER, '--input-type=module', '--eval', program]);
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, output };
}

test('a process that is ended while LMDB writes has the exit code that was asked for', async (t) => {
  const { code, signal } = await whileWriting(t, 'endProcess(3)');
  assert.deepEqual([code, signal], [3, null]);
});

test('one that ends itself in another way ends, too, with the reason', { timeout: 60_000 }, async (t) => {
  const exited = await whileWriting(t, 'process.exit(3)');
  assert.deepEqual([exited.code, exited.signal], [null, 'SIGKILL']);
  const thrown = await whileWriting(t, 'throw new Error("nothing catches this")');
  assert.equal(thrown.signal, 'SIGKILL');
  assert.match(thrown.output, /Error: nothing catches this\n\s+at /);
});
