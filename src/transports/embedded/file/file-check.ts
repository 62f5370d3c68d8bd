import type {} from '../records/tables.ts';
import { type DataFile, FileDamage, PAGE_HEADER, readTree, type Tree } from './data-file.ts';
import { TABLES } from './environment.ts';
import { type DamagedLeaf, TreeWalk } from './page-tree.ts';
import { type LeafNode, PageDamage } from './tree-page.ts';

/** LMDB's flag of a tree whose keys are numbers, as that of the free pages has. */
const INTEGER_KEYS = 0x08;

/** Damage with which the log can still be used. */
export interface FileReport {
  /** Leaves of the table of records: the batches in them are lost. */
  readonly leaves: readonly DamagedLeaf[];
  /** What is wrong with the list of free pages, where something is. */
  readonly freePages: string | undefined;
}

/**
 * Looks at every page of the file that LMDB would follow references to. `record` is called with each entry of the table of records.
 * Throws FileDamage where the log cannot be used.
 */
export function checkFile(file: DataFile, record?: (node: LeafNode) => void): FileReport {
  const walk = new TreeWalk(file);
  const tables = readTables(file, walk);
  const leaves: DamagedLeaf[] = [];
  for (const { name } of Object.values(TABLES)) {
    const tree = tables.get(name);
    if (tree === undefined) continue;
    const table = `the table of ${name}`;
    if (tree.flags !== 0) throw new FileDamage(`${table} cannot have the flags ${tree.flags}`);
    if (name === TABLES.batches.name) {
      walk.through(table, tree, { node: record, damaged: (leaf) => void leaves.push(leaf) });
      continue;
    }
    let entries = 0;
    const count = () => {
      entries += 1;
    };
    walk.through(table, tree, { node: count });
    if (entries !== tree.entries) throw new FileDamage(`${table} has ${entries} entries, not ${tree.entries}`);
  }
  return { leaves, freePages: freePagesDamage(file, walk) };
}

/** A table that is missing would be taken for an empty one. */
function readTables(file: DataFile, walk: TreeWalk): Map<string, Tree> {
  const tables = new Map<string, Tree>();
  const { main } = file.meta;
  walk.through('the list of tables', main, {
    node: ({ key, value, isTree }) => {
      // lmdb ends names with a zero.
      const name = key.toString('latin1').replace(/\0$/, '');
      if (value === undefined || !isTree) throw new FileDamage(`the table of ${name} is not a table`);
      tables.set(name, readTree(value, 0));
    },
  });
  const missing = Object.values(TABLES).find(({ name }) => !tables.has(name));
  // A gateway that is killed while it makes them leaves some, and nothing in them.
  if (missing !== undefined && [...tables.values()].some(({ root }) => root !== undefined))
    throw new FileDamage(`the table of ${missing.name} is missing`);
  return tables;
}

/** LMDB would write over what is in use. */
function freePagesDamage(file: DataFile, walk: TreeWalk): string | undefined {
  const { free, lastPage } = file.meta;
  try {
    if (free.flags !== INTEGER_KEYS) throw new FileDamage(`the list of free pages cannot have the flags ${free.flags}`);
    walk.through('the list of free pages', free, {
      compare: compareNumbers,
      node: (node) => {
        for (const [first, count] of freeRuns(storedValue(file, node))) {
          for (let page = first; page < first + count; page += 1) {
            if (page < 2 || page > lastPage || walk.isTaken(page)) throw new PageDamage(`page ${page} is not free`);
          }
        }
      },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof FileDamage)) throw error;
    return error.message;
  }
}

/** First page and count of each run; lmdb writes a run as its negative length in front of its first page. */
function* freeRuns(value: Buffer): Generator<[number, number]> {
  if (value.length < 8 || value.length % 8 !== 0) throw new PageDamage('an entry is cut off');
  const entries = Number(value.readBigInt64LE(0));
  if (entries < 0 || (entries + 1) * 8 > value.length) throw new PageDamage(`an entry cannot have ${entries} pages`);
  let count = 1;
  for (let index = 1; index <= entries; index += 1) {
    const number = Number(value.readBigInt64LE(index * 8));
    if (number < 0) count = -number;
    else {
      if (number > 0) yield [number, count];
      count = 1;
    }
  }
}

function compareNumbers(a: Buffer, b: Buffer): number {
  if (a.length !== 8 || b.length !== 8) throw new PageDamage('a key is not a number');
  const difference = a.readBigUInt64LE() - b.readBigUInt64LE();
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The value, also where it has pages of its own. */
export function storedValue(file: DataFile, { value, pages, size }: LeafNode): Buffer {
  if (value !== undefined) return value;
  if (pages === undefined) return Buffer.alloc(0);
  return file.page(pages.first, pages.count).subarray(PAGE_HEADER, PAGE_HEADER + size);
}
