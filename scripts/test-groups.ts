import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * Test files that share a process. Most files test for some milliseconds what takes half a second to load, so a process
 * for each of them would spend three quarters of its time on loading the same modules.
 */

/** Files of a group. With more of them little loading is saved, and a group that is long is the last one for longer. */
const LARGEST = 40;

/** In a test file, with the reason behind it: `// Own process: it reads how much memory the process holds.` */
const MARK = /^\/\/ Own process: \S/m;

/** In a test file, with the reason behind it: `// Slow: it starts a gateway for each case.` */
const SLOW = /^\/\/ Slow: \S/m;

const ENTRY = /\/group-\d+\.mjs$/;

/**
 * What `node --test` is called with in place of these compiled test files: generated entries in `folder`, each of which
 * imports some of them, and the files that have to have a process of their own. The tests of an entry run one after the
 * other, in the order of its files.
 */
export function grouped(files: readonly string[], folder: string): readonly string[] {
  const [own, shared] = parted(files);
  return [...own, ...spread(shared).map((group, index) => entry(group, join(folder, `group-${index + 1}.mjs`)))];
}

/** Whether a test file says that its tests may not share a process. */
export function hasOwnProcess(source: string): boolean {
  return MARK.test(source);
}

/** Whether a test file says that it takes too long for `npm run test:unit`. */
export function isSlow(source: string): boolean {
  return SLOW.test(source);
}

/** The files that a generated entry imports, in this order; none of another file. */
export function filesOfEntry(entry: string): readonly string[] {
  if (!ENTRY.test(entry)) return [];
  return [...readFileSync(entry, 'utf8').matchAll(/^import "(file:.*)";$/gm)].map(([, url = '']) => fileURLToPath(url));
}

function parted(files: readonly string[]): [own: string[], shared: string[]] {
  const own: string[] = [];
  const shared: string[] = [];
  for (const file of files) (hasOwnProcess(readFileSync(sourceOf(file), 'utf8')) ? own : shared).push(file);
  return [own, shared];
}

/** Neighbours are of one kind and take equally long, so each of them goes to another group. */
function spread(files: readonly string[]): string[][] {
  const groups: string[][] = Array.from({ length: Math.ceil(files.length / LARGEST) }, () => []);
  for (const [index, file] of files.entries()) groups[index % groups.length]?.push(file);
  return groups;
}

function entry(files: readonly string[], path: string): string {
  const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(resolve(file)).href)};\n`);
  writeFileSync(path, imports.join(''));
  return path;
}

/** `test/unit/x.test.ts` of `dist/test/unit/x.test.js`, also where the path is absolute. */
export function sourceOf(file: string): string {
  return relative('', file)
    .replace(/^dist\//, '')
    .replace(/\.js$/, '.ts');
}
