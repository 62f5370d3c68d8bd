import { fileVersion } from '../core/file-version.ts';

/** Files by path, each with what tells its versions apart. */
export type FileVersions = ReadonlyMap<string, string>;

/** Settings of components that name a file with a schema, which is read with the configuration. */
const FILE = 'file';

/** The files that settings name, as they are on the disk now. Never rejects. */
export async function namedFiles(settings: unknown): Promise<FileVersions> {
  const names = [...new Set(filesIn(settings))];
  const versions = names.map(async (name) => [name, await fileVersion(name).catch(() => 'none')] as const);
  return new Map(await Promise.all(versions));
}

/** The paths in those settings. */
export function filesIn(settings: unknown): string[] {
  const found: string[] = [];
  const open = [settings];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (key === FILE && typeof inner === 'string') found.push(inner);
      else if (inner !== null) open.push(inner);
    }
  }
  return found;
}
