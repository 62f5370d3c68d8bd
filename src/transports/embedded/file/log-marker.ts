import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { VERSION } from '../records/batch-format.ts';
import { DATA_FILE, LOCK_FILE } from './disk-space.ts';

const MARKER = 'log.json';
/** Is there while a log is begun: a start that is killed meanwhile leaves LMDB's files without anything in them. */
const BEGINNING = 'log.begins';

/** The log is of a later version than this one. */
export class LaterVersion extends Error {}

/** Whether there is something in the data file. */
export function hasData(directory: string): boolean {
  return (statSync(path.join(directory, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Throws where the directory once had a log that is gone, or has one of a later version; that is a LaterVersion. */
export function checkMarker(directory: string): void {
  const format = readFormat(path.join(directory, MARKER));
  if (format !== undefined && format > VERSION)
    throw new LaterVersion(`it was written by a later version (format ${format}; this one reads ${VERSION})`);
  if (hasData(directory)) return;
  const sign = format === undefined ? signOfLog(directory) : `${MARKER} says that there was a log`;
  if (sign === undefined) return;
  throw new Error(
    `${DATA_FILE} is missing or empty, and ${sign}. Restore ${DATA_FILE} from a backup, ` +
      'or move the directory away to begin with an empty log',
  );
}

/** Versions without a marker leave LMDB's files alone. */
function signOfLog(directory: string): string | undefined {
  const has = (name: string) => existsSync(path.join(directory, name));
  if (has(BEGINNING)) return undefined;
  if (has(LOCK_FILE)) return `${LOCK_FILE} is there, so there may have been a log`;
  return has(DATA_FILE) ? 'it is never empty where a log was begun' : undefined;
}

/** To be called before LMDB makes its files. */
export function announce(directory: string): void {
  if (!hasData(directory)) closeSync(openSync(path.join(directory, BEGINNING), 'w'));
}

/** Says from now on that the directory has a log. */
export function mark(directory: string): void {
  const file = path.join(directory, MARKER);
  if (readFormat(file) !== VERSION) writeMarker(file);
  rmSync(path.join(directory, BEGINNING), { force: true });
}

function writeMarker(file: string): void {
  const draft = `${file}.new`;
  const descriptor = openSync(draft, 'w');
  try {
    writeSync(descriptor, `${JSON.stringify({ format: VERSION })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}

/** undefined where there is no marker; a damaged one still says that there was a log. */
function readFormat(file: string): number | undefined {
  try {
    const { format } = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown };
    return typeof format === 'number' ? format : 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 0;
  }
}
