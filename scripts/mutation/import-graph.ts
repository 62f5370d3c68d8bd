import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g;

/** Compiled modules below these folders, by path. */
export function modulesOf(...folders: string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.js'))
    .sort();
}

/** Who imports a module, by path. */
export function importersOf(modules: readonly string[]): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  for (const module of modules) {
    for (const [, path = ''] of readFileSync(module, 'utf8').matchAll(IMPORT)) {
      const target = join(dirname(module), path);
      importers.set(target, [...(importers.get(target) ?? []), module]);
    }
  }
  return importers;
}

/** Test files that import a module, directly or by others; the nearest first, and among these those named after it or its folder. */
export function testsOf(module: string, importers: ReadonlyMap<string, readonly string[]>): string[] {
  const own = basename(module, '.js');
  const folder = basename(dirname(module));
  const found: string[] = [];
  const seen = new Set([module]);
  for (let level = [module]; level.length > 0; ) {
    const next = level.flatMap((one) => importers.get(one) ?? []).filter((one) => !seen.has(one));
    level = [...new Set(next)];
    for (const one of level) seen.add(one);
    const closeness = (test: string) =>
      (basename(test).startsWith(own) ? 2 : 0) +
      (basename(test).startsWith(folder) ? 1 : 0) +
      (basename(dirname(test)) === folder ? 1 : 0);
    const tests = level.filter((one) => one.endsWith('.test.js'));
    found.push(...tests.sort((one, other) => closeness(other) - closeness(one)));
  }
  return found;
}
