import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeFailure } from '../../../../src/transports/embedded/file/disk-space.ts';
import { temporary } from './parts.ts';

const failed = (code: number, message: string) => Object.assign(new Error(message), { code });

test('a write that found no space says how much is free, how much it needs, and where', async (t) => {
  const directory = await temporary(t);
  const { code, next, message } = writeFailure(failed(28, 'No space left on device'), directory, 1_000_000);
  assert.deepEqual([code, next], ['TG_DISK_FULL', 'wait']);
  assert.match(
    message,
    /^no space left on device: \d+ KiB are free and the next write needs about 1041 KiB; make \d+ KiB or more free/,
  );
  assert.ok(message.endsWith(directory));
});

test('a write of which a part found room is a full disk, and an I/O error with space left is not', async (t) => {
  const directory = await temporary(t);
  const eio = failed(5, 'Input/output error');
  assert.equal(writeFailure(eio, directory, Number.MAX_SAFE_INTEGER).code, 'TG_DISK_FULL');
  const { code, message } = writeFailure(eio, directory, 1_000);
  assert.equal(code, 'TG_LOG_UNAVAILABLE');
  assert.match(message, /refused a write: Input\/output error; the disk may be damaged, or a disk quota used up/);
});

test('a used-up quota and a file that may not grow have different messages', async (t) => {
  const directory = await temporary(t);
  assert.match(writeFailure(failed(122, 'Disk quota exceeded'), directory, 1).message, /the disk quota is used up/);
  assert.match(writeFailure(failed(27, 'File too large'), directory, 1).message, /raise ulimit -f/);
});
