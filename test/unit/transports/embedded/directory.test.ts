import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openDirectory, temporaryDirectory } from '../../../../src/transports/embedded/file/directory.ts';
import { temporary } from './parts.ts';

const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The number of a process that has ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

test('a log in memory has a directory of its own, which is gone at its end', async () => {
  const [first, second] = [await temporaryDirectory(), await temporaryDirectory()];
  assert.notEqual(first.path, second.path);
  assert.equal(path.dirname(first.path), PARENT);
  writeFileSync(path.join(first.path, 'file'), 'x');
  const listeners = process.listenerCount('exit');
  await first.release();
  assert.deepEqual([existsSync(first.path), existsSync(second.path)], [false, true]);
  assert.equal(process.listenerCount('exit'), listeners - 1);
  await second.release();
});

test('what a process left that was killed is removed, and nothing of one that runs, or of others', async (t) => {
  const made = (name: string) => {
    const directory = path.join(PARENT, name);
    mkdirSync(path.join(directory, 'within'), { recursive: true });
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  };
  const dead = deadProcess();
  const left = made(`tidegate-${dead}-left`);
  const kept = [
    made(`tidegate-${process.pid}-kept`),
    made('tidegate-1-kept'),
    made(`tidegate-x${dead}-kept`),
    made(`not-tidegate-${dead}-kept`),
  ];
  const directory = await temporaryDirectory();
  await directory.release();
  assert.equal(existsSync(left), false);
  assert.deepEqual(kept.map(existsSync), [true, true, true, true]);
});

test('a directory is made with those above it, and has one owner at a time', async (t) => {
  const name = path.join(await temporary(t), 'a', 'b');
  const directory = await openDirectory(name);
  assert.deepEqual([directory.path, existsSync(name)], [name, true]);
  await assert.rejects(openDirectory(name), { code: 'TG_DATA_DIR_OWNED' });
  await directory.release();
  await (await openDirectory(name)).release();
});
