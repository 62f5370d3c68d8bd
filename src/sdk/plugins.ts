import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TidegateError } from '../core/errors.ts';
import type { ComponentSpec } from './define.ts';
import type { Registry } from './registry.ts';

/**
 * Loads a plugin module and adds what it exports by default: one component or a list of them. A path that begins
 * with `.` or `/` is a file relative to `folder`, anything else a package. Throws TG_PLUGIN_INVALID.
 */
export async function loadPlugin(registry: Registry, path: string, folder: string): Promise<void> {
  const isFile = path.startsWith('.') || isAbsolute(path);
  let module: { default?: unknown };
  try {
    module = await import(isFile ? pathToFileURL(resolve(folder, path)).href : path);
  } catch (error) {
    throw new TidegateError(
      'TG_PLUGIN_INVALID',
      `the plugin ${path} cannot be loaded: ${reason(error as NodeJS.ErrnoException)}`,
      error,
    );
  }
  if (module.default === undefined) {
    throw new TidegateError(
      'TG_PLUGIN_INVALID',
      `the plugin ${path} has no default export; export a component or a list of them`,
    );
  }
  for (const spec of [module.default].flat() as ComponentSpec[]) registry.add(spec, path);
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return `${message}; plugins are JavaScript, so compile it first and name what came out`;
  return message.replace(/ imported from .*$/, '');
}
