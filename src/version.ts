import { readFileSync } from 'node:fs';

// From dist/src as from src, package.json is found by walking up, as a package may be installed anywhere.
function findVersion(folder: URL): string {
  try {
    return (JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }).version;
  } catch {
    return findVersion(new URL('..', folder));
  }
}

/** Version of Tidegate, as in package.json. */
export const VERSION = findVersion(new URL('.', import.meta.url));
