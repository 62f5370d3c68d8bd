import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asTidegateError, reasonOf, TidegateError } from '../core/errors.ts';
import type { ComponentSpec } from './define.ts';
import { checkRange, peerRangeOf, resolvedPackage } from './plugin-package.ts';
import type { Registry } from './registry.ts';

/** Milliseconds that a plugin may take to load. */
const LOAD_TIMEOUT = 10_000;

interface Module {
  readonly default?: unknown;
}

/**
 * How often each module was refused, by its URL. Node keeps what became of a module, so one that was repaired since is asked for by
 * another URL. What it imports itself stays as it was.
 */
const refusals = new Map<string, number>();

/**
 * Loads a plugin module and adds what it exports by default: one component or a list of them. A path that begins
 * with `.` or `/` is a file relative to `folder`, anything else a package: one that is installed for `folder`, or beside
 * Tidegate. A plugin for other versions of Tidegate is not run. Throws a TG_PLUGIN_ error that names the plugin and the
 * broken rule. `timeout`: milliseconds that the module may take to load.
 */
export async function loadPlugin(
  registry: Registry,
  path: string,
  folder: string,
  timeout = LOAD_TIMEOUT,
): Promise<void> {
  const isFile = path.startsWith('.') || isAbsolute(path);
  const file = isFile ? resolve(folder, path) : resolvedPackage(path, folder);
  if (file !== undefined) checkRange(path, peerRangeOf(file));
  const url = file === undefined ? path : pathToFileURL(file).href;
  const times = refusals.get(url) ?? 0;
  try {
    addAll(
      registry,
      path,
      await importWithin(timeout, path, times === 0 || file === undefined ? url : `${url}?${times}`),
    );
  } catch (error) {
    refusals.set(url, times + 1);
    // Whatever it exports may throw when it is looked at.
    throw asTidegateError(error, 'TG_PLUGIN_INVALID', `the plugin ${path} cannot be read`);
  }
}

function addAll(registry: Registry, path: string, module: Module): void {
  if (module.default === undefined) {
    throw new TidegateError(
      'TG_PLUGIN_EXPORT_MISSING',
      `the plugin ${path} has no default export; export a component or a list of them: export default [ ... ]`,
    );
  }
  for (const spec of [module.default].flat() as (ComponentSpec | null)[]) {
    const said = spec?.sdk;
    if (said !== undefined) checkRange(path, { range: said, from: `${spec?.kind} "${spec?.name}"`, isOwn: true });
    registry.add({ ...(spec as ComponentSpec), plugin: path }, path);
  }
}

/** A module that waits for what never comes must not stop the gateway without a word. */
async function importWithin(timeout: number, path: string, url: string): Promise<Module> {
  let cancel: () => void = () => {};
  const late = new Promise<undefined>((resolved) => {
    const timer = setTimeout(() => resolved(undefined), timeout);
    cancel = () => clearTimeout(timer);
  });
  let module: Module | undefined;
  try {
    module = await Promise.race([import(url) as Promise<Module>, late]);
  } catch (error) {
    throw importError(path, error);
  } finally {
    cancel();
  }
  if (module !== undefined) return module;
  throw new TidegateError(
    'TG_PLUGIN_IMPORT_TIMEOUT',
    `the plugin ${path} was not loaded within ${timeout / 1_000} s: its module waits at the top; wait in open() instead`,
  );
}

function importError(path: string, error: unknown): TidegateError {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const reason = reasonOf(error);
  const what = `the plugin ${path} cannot be loaded:`;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return new TidegateError(
      'TG_PLUGIN_IMPORT_FAILED',
      `${what} ${reason}; plugins are JavaScript, so compile it first and name what came out`,
      error,
    );
  // What the plugin itself imports is named as well, and is a defect of the plugin.
  const isOwn = code === 'ERR_MODULE_NOT_FOUND' && / imported from .*[/\\]sdk[/\\]plugins\.[jt]s/.test(reason);
  const text = reason.replace(/ imported from .*[/\\]sdk[/\\]plugins\.[jt]s.*$/s, '');
  return isOwn
    ? new TidegateError('TG_PLUGIN_MISSING', `${what} ${text}`, error)
    : new TidegateError('TG_PLUGIN_IMPORT_FAILED', `${what} ${text}${thrownAt(error)}`, error);
}

/** Where a module threw, as in ` (my.mjs:3:7)`; nothing where no module did, as for a mistake in the syntax of one. */
function thrownAt(error: unknown): string {
  const [first = ''] = ((error instanceof Error ? error.stack : undefined) ?? '').match(/^ +at .*$/m) ?? [];
  const [, file, place] = /file:\/\/.*?([^/\\]+)(:\d+:\d+)\)?$/.exec(first) ?? [];
  return file === undefined ? '' : ` (${decodeURIComponent(file)}${place})`;
}
