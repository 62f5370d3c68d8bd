import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TidegateError } from '../core/errors.ts';
import { lazyLibrary } from '../core/lazy-library.ts';
import { quoteValue } from '../core/quote.ts';
import { VERSION } from '../version.ts';

// Loaded with the first plugin that says a range.
const semver = lazyLibrary<{
  validRange(range: string): string | null;
  satisfies(version: string, range: string): boolean;
}>('semver');

/** The versions of Tidegate that a plugin says it works with. */
interface SaidRange {
  readonly range: unknown;
  /** Who says so, as a message has it. */
  readonly from: string;
  /** It is a setting of ours, so that what is no range is a mistake; npm knows more forms, as `file:../tidegate`. */
  readonly isOwn?: boolean;
}

/** The file of a package that is installed for a folder or one above it; undefined where there is none. */
export function resolvedPackage(name: string, folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'gateway.yaml')).resolve(name);
  } catch {
    return undefined;
  }
}

/** What the package of a file says in `peerDependencies`; undefined where it says nothing of Tidegate. */
export function peerRangeOf(file: string): SaidRange | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    const range = rangeIn(path);
    if (range !== undefined) return range === null ? undefined : { range, from: path };
    if (folder === dirname(folder)) return undefined;
  }
}

/** undefined: there is no such file; null: it says nothing that can be read. */
function rangeIn(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return (JSON.parse(text) as { peerDependencies?: { tidegate?: unknown } }).peerDependencies?.tidegate ?? null;
  } catch {
    return null;
  }
}

/** Throws TG_PLUGIN_VERSION where this version of Tidegate is not in the range. */
export function checkRange(plugin: string, said: SaidRange | undefined): void {
  if (said === undefined) return;
  const { range, from, isOwn = false } = said;
  const isRange = typeof range === 'string' && semver().validRange(range) !== null;
  if (!isRange && !isOwn) return;
  if (!isRange)
    throw new TidegateError(
      'TG_PLUGIN_VERSION',
      `the plugin ${plugin}: sdk of ${from} is "${quoteValue(String(range))}", which is no range of versions; write one such as ^${VERSION}`,
    );
  if (semver().satisfies(VERSION, range)) return;
  throw new TidegateError(
    'TG_PLUGIN_VERSION',
    `the plugin ${plugin} is for tidegate ${range} (${from}), and this is ${VERSION}; install a version of it that names ${VERSION}, or the tidegate that it names`,
  );
}
