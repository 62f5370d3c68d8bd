import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeDirectory } from '../../../../src/transports/embedded/file/make-directory.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-directory-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('a directory is made with all that are missing above it, also by two at a time', async (t) => {
  const directory = path.join(await temporary(t), 'a', 'b', 'c');
  await Promise.all([makeDirectory(directory), makeDirectory(directory)]);
  assert.ok(existsSync(directory));
  await makeDirectory(directory);
});

test('a file is not a directory, and no directory can be made in it', async (t) => {
  const file = path.join(await temporary(t), 'file');
  await writeFile(file, '');
  await assert.rejects(makeDirectory(file), { message: 'it is not a directory' });
  await assert.rejects(makeDirectory(path.join(file, 'data')), { code: 'ENOTDIR' });
});

const noProc = existsSync('/proc/self') ? false : 'there is no /proc here';
test('where no directory can be made the error comes at once', { skip: noProc, timeout: 5_000 }, async () => {
  for (const directory of ['/proc/tidegate', '/proc/tidegate/data'])
    await assert.rejects(makeDirectory(directory), { code: 'ENOENT' });
});
