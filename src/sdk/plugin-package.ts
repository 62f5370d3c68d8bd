import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
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
  } catch (error) {
    // It is there, and only for `import`, by which a plugin is loaded.
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return importedFile(name, folder);
    return undefined;
  }
}

/** The conditions of `exports` that an import fulfils. */
const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default']);

/** What `exports` of the nearest package of that name says for an import. */
function importedFile(name: string, folder: string): string | undefined {
  const [, packageName = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name) ?? [];
  for (let above = resolve(folder); ; above = dirname(above)) {
    const root = join(above, 'node_modules', packageName);
    const { exports } = packageIn(root) ?? {};
    if (exports !== undefined) {
      const file = targetOf(entryOf(exports, `.${rest}`));
      return file === undefined ? undefined : join(root, file);
    }
    if (above === dirname(above)) return undefined;
  }
}

function entryOf(exports: unknown, path: string): unknown {
  const hasPaths = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  if (!hasPaths) return path === '.' ? exports : undefined;
  return isObject(exports) && Object.hasOwn(exports, path) ? exports[path] : undefined;
}

/** The first that fits, in the order of the file. */
function targetOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (!isObject(entry)) return undefined;
  const fitting = Object.entries(entry).filter(([condition]) => CONDITIONS.has(condition));
  return fitting.map(([, inner]) => targetOf(inner)).find((target) => target !== undefined);
}

/** What the package of a file says in `peerDependencies`; undefined where it says nothing of Tidegate. */
export function peerRangeOf(file: string): SaidRange | undefined {
  for (let folder = dirname(realPathOf(file)); ; folder = dirname(folder)) {
    const said = packageIn(folder);
    const range = said?.peerDependencies?.tidegate;
    if (range !== undefined) return { range, from: join(folder, 'package.json') };
    // One without a name is of a part of the package, and says which kind of modules that has.
    if (said?.name !== undefined || folder === dirname(folder)) return undefined;
  }
}

/** A linked file is of the package that it is in. */
function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

interface PackageFile {
  readonly name?: unknown;
  readonly exports?: unknown;
  readonly peerDependencies?: { readonly tidegate?: unknown } | null;
}

/** undefined: there is no such file, or it cannot be read. */
function packageIn(folder: string): PackageFile | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) ?? {}) as PackageFile;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
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
