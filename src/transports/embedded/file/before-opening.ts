import { writeFileSync } from 'node:fs';
import { endianness } from 'node:os';
import path from 'node:path';
import { keyValueToBuffer } from 'lmdb';
import { TidegateError } from '../../../core/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { LOST } from '../records/batch-damage.ts';
import { DataFile, FileDamage } from './data-file.ts';
import { DATA_FILE } from './disk-space.ts';
import { checkFile } from './file-check.ts';
import { announce, checkMarker, hasData } from './log-marker.ts';
import type { DamagedLeaf } from './page-tree.ts';
import { writeLeaf } from './tree-page.ts';

/** In front of all keys of batches: topics are counted from 1. */
const LOWEST_KEY = keyValueToBuffer([0, 0, 0]);

/**
 * Sees to it that LMDB can open the log of this directory, and read all of it: LMDB itself follows whatever the file says, and
 * where that leads nowhere the process ends by SIGSEGV or SIGBUS. A page with batches that cannot be read is kept in a file of
 * its own, and replaced by one that says so. Throws TG_DATA_DIR_UNUSABLE where more than batches is damaged.
 */
export function makeReadable(directory: string, logger: Logger): void {
  try {
    checkMarker(directory);
    announce(directory);
    // Pages are read as a machine with little-endian numbers writes them.
    if (hasData(directory) && endianness() === 'LE') checkAndRepair(directory, logger);
  } catch (error) {
    if (!(error instanceof FileDamage)) throw error;
    throw new TidegateError(
      'TG_DATA_DIR_UNUSABLE',
      `the log in ${directory} cannot be opened: ${DATA_FILE} is damaged: ${error.message}. ` +
        `Restore the directory from a backup, or move it away to begin with an empty log`,
    );
  }
}

function checkAndRepair(directory: string, logger: Logger): void {
  const file = new DataFile(path.join(directory, DATA_FILE), 'repair');
  try {
    const { leaves, freePages } = checkFile(file);
    for (const leaf of leaves) replace(file, leaf, directory, logger);
    if (freePages === undefined) return;
    file.emptyFreeTree();
    logger.error({ directory }, `${freePages}: free space of the log's file is not used again`);
  } finally {
    file.close();
  }
}

function replace(file: DataFile, { page, low, reason }: DamagedLeaf, directory: string, logger: Logger): void {
  const kept = path.join(directory, `damaged-page-${page}`);
  writeFileSync(kept, file.page(page));
  file.write(page, writeLeaf(page, file.meta.pageSize, low ?? LOWEST_KEY, LOST));
  logger.error({ directory, page }, `records of the log are lost: ${reason}. The page is kept in ${kept}`);
}
