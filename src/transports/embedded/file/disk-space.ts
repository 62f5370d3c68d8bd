import { statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { TidegateError } from '../../../core/errors.ts';
import { resourceLimit } from '../../../core/resource-limits.ts';

/** As lmdb gives them. */
const ENOSPC = 28;
const EDQUOT = 122;
const EFBIG = 27;
/** A disk that is broken, but also what LMDB makes of a write of which only a part found room. */
const EIO = 5;

/** Pages of the tables that a transaction copies, on top of the records. */
const OVERHEAD = 64 * 1_024;
/** An empty log takes some 100 KiB; below this it is not begun. */
const SPACE_TO_BEGIN = 1_024 * 1_024;
export const DATA_FILE = 'data.mdb';
export const LOCK_FILE = 'lock.mdb';

/** What a failed transaction says, with TG_DISK_FULL where the reason is missing space. `bytes` are those of its records. */
export function writeFailure(error: unknown, directory: string, bytes: number): TidegateError {
  const { code, message } = error as { code?: unknown; message?: string };
  const space = freeSpace(directory);
  const needed = bytes + OVERHEAD;
  const needs = `the next write needs about ${inKiB(needed)}`;
  const full = (text: string) => new TidegateError('TG_DISK_FULL', text, error);
  if (code === ENOSPC || (code === EIO && space !== undefined && space < needed))
    return full(noSpace(directory, space, needed, needs));
  if (code === EFBIG || (code === EIO && largestFile() < fileSize(directory) + needed))
    return full(
      `no space left for the log in ${directory}: its file has the largest size that is allowed, and ${needs}; raise ulimit -f`,
    );
  if (code === EDQUOT)
    return full(`no space left for the log in ${directory}: the disk quota is used up, and ${needs}`);
  const hint = code === EIO ? '; the disk may be damaged, or a disk quota used up' : '';
  return new TidegateError('TG_LOG_UNAVAILABLE', `the disk of ${directory} refused a write: ${message}${hint}`, error);
}

/**
 * Throws TG_DATA_DIR_UNUSABLE where a log cannot be begun. LMDB maps its lock file into memory: a page of it that finds no room
 * on the disk is not an error but SIGBUS, which ends the process without a message.
 */
export function requireSpace(directory: string): void {
  const lock = statSync(path.join(directory, LOCK_FILE), { throwIfNoEntry: false });
  const isAllocated = lock !== undefined && lock.blocks > 0;
  const space = freeSpace(directory);
  if (isAllocated || space === undefined || space >= SPACE_TO_BEGIN) return;
  const missing = noSpace(directory, space, SPACE_TO_BEGIN, `a new log needs ${inKiB(SPACE_TO_BEGIN)}`);
  throw new TidegateError('TG_DATA_DIR_UNUSABLE', missing);
}

function noSpace(directory: string, space: number | undefined, needed: number, needs: string): string {
  const free = space === undefined ? '' : `${inKiB(space)} are free and `;
  const missing = Math.max(needed - (space ?? 0), 0);
  return `no space left on device: ${free}${needs}; make ${inKiB(missing)} or more free on the disk of ${directory}`;
}

/** Bytes that this process may still use; undefined where the file system does not say. */
function freeSpace(directory: string): number | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(directory);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}

function fileSize(directory: string): number {
  return statSync(path.join(directory, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0;
}

function largestFile(): number {
  return resourceLimit('Max file size');
}

function inKiB(bytes: number): string {
  return `${Math.ceil(bytes / 1_024)} KiB`;
}
