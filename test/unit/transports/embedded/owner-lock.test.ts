// Own process: it changes where its process keeps temporary files.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { systemClock } from '../../../../src/core/clock.ts';
import { acquireOwnerLock } from '../../../../src/transports/embedded/file/owner-lock.ts';
import { createEmbeddedLog } from '../../../../src/transports/embedded/index.ts';
import { message, parts, temporary } from './parts.ts';

const HERE = fileURLToPath(import.meta.url);
/** The sources run through tsx, what tsc built runs as it is. */
const LOADER = HERE.endsWith('.ts') ? ['--import', 'tsx'] : [];
const OWN_LOCK = new URL(
  `../../../../src/transports/embedded/file/owner-lock.${HERE.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

describe('the owner of a data directory', () => {
  test('is one process: the error of the second one has the pid of the first and what to do', async (t) => {
    const directory = await temporary(t);
    const owner = await owningProcess(t, directory);
    const log = createEmbeddedLog({ path: directory, ...parts(), clock: systemClock });
    await assert.rejects(log.open(), (error: { code: string; message: string; next: string }) => {
      assert.equal(error.code, 'TG_DATA_DIR_OWNED');
      assert.equal(error.next, 'stop');
      assert.match(error.message, new RegExp(`process ${owner.pid}\\b`));
      assert.match(error.message, /DATA_DIR.*KAFKA_BROKERS/);
      return true;
    });
  });

  test('is one that is stopped, too: a second process does not wait for its answer for ever', async (t) => {
    const directory = await temporary(t);
    const owner = await owningProcess(t, directory);
    owner.kill('SIGSTOP');
    await assert.rejects(acquireOwnerLock(directory), {
      code: 'TG_DATA_DIR_OWNED',
      message: /in use by process \(it does not answer\)/,
    });
  });

  test('is followed by the next one when it is killed', async (t) => {
    const directory = await temporary(t);
    const owner = await owningProcess(t, directory);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    assert.ok(existsSync(path.join(directory, 'owner.sock')), 'its socket is still there');
    const log = createEmbeddedLog({ path: directory, ...parts(), clock: systemClock });
    await log.open();
    t.after(() => log.close());
    assert.equal(await log.admin.create({ name: 't' }), true);
    const lane = log.lane('t', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    assert.deepEqual(await lane.send([message('x')]), []);
  });

  test('takes over a mark that was left long ago, or by a clock that was set back since', async (t) => {
    const directory = await temporary(t);
    const owner = await owningProcess(t, directory);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    for (const seconds of [-3_600, 3_600]) {
      const mark = path.join(directory, 'owner.takeover');
      writeFileSync(mark, '');
      const time = Date.now() / 1_000 + seconds;
      utimesSync(mark, time, time);
      // A socket without a listener, as after a kill.
      if (!existsSync(path.join(directory, 'owner.sock'))) writeFileSync(path.join(directory, 'owner.sock'), '');
      const lock = await acquireOwnerLock(directory);
      assert.equal(existsSync(mark), false);
      await lock.release();
    }
  });

  test('is one of many that find a dead socket at the same time', async (t) => {
    const directory = await temporary(t);
    for (let round = 0; round < 2; round += 1) {
      const owner = await owningProcess(t, directory);
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => acquireOwnerLock(directory)));
      const winners = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const codes = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      assert.equal(winners.length, 1);
      assert.deepEqual(codes, Array(7).fill('TG_DATA_DIR_OWNED'));
      for (const lock of winners) await lock.release();
    }
  });

  test('lets go of it at a close, and leaves no socket behind', async (t) => {
    const directory = await temporary(t);
    for (let round = 0; round < 2; round += 1) {
      const log = createEmbeddedLog({ path: directory, ...parts(), clock: systemClock });
      await log.open();
      await assert.rejects(acquireOwnerLock(directory), { code: 'TG_DATA_DIR_OWNED' });
      await log.close();
      assert.equal(existsSync(path.join(directory, 'owner.sock')), false);
    }
  });

  test('owns a directory whose path is longer than a socket path may be', async (t) => {
    const directory = path.join(await temporary(t), 'long'.repeat(30), 'longer'.repeat(20));
    await mkdir(directory, { recursive: true });
    const lock = await acquireOwnerLock(directory);
    await assert.rejects(acquireOwnerLock(directory), { code: 'TG_DATA_DIR_OWNED' });
    await lock.release();
    assert.equal(existsSync(path.join(directory, 'owner.sock')), false);
    const owner = await owningProcess(t, directory);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const next = await acquireOwnerLock(directory);
    await next.release();
  });

  test('leaves nothing of the link by which it reaches a long path', async (t) => {
    const [place, top] = [await temporary(t), await temporary(t)];
    const directory = path.join(top, 'long'.repeat(30));
    await mkdir(directory);
    const { TMPDIR } = process.env;
    process.env.TMPDIR = place;
    t.after(() => {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    });
    const lock = await acquireOwnerLock(directory);
    assert.deepEqual(readdirSync(place), []);
    await lock.release();
  });

  test('says what is wrong with a directory that cannot be used', async (t) => {
    const directory = path.join(await temporary(t), 'file');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(directory, 'not a directory');
    const log = createEmbeddedLog({ path: directory, ...parts(), clock: systemClock });
    await assert.rejects(log.open(), {
      code: 'TG_DATA_DIR_UNUSABLE',
      message: /cannot be used: it is not a directory/,
    });
  });
});

/** Another process that owns the directory until it is killed. */
async function owningProcess(t: TestContext, directory: string): Promise<ChildProcess> {
  const script = `
    import { acquireOwnerLock } from ${JSON.stringify(pathToFileURL(fileURLToPath(OWN_LOCK)).href)};
    await acquireOwnerLock(${JSON.stringify(directory)});
    setInterval(() => {}, 1000);
    console.log('owner');
  `;
  const args = [...LOADER, '--input-type=module', '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [chunk] = await once(child.stdout, 'data');
  assert.equal(String(chunk).trim(), 'owner');
  return child;
}
