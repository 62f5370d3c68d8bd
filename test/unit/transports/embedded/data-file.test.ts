import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DataFile, FileDamage } from '../../../../src/transports/embedded/file/data-file.ts';
import { checkFile, storedValue } from '../../../../src/transports/embedded/file/file-check.ts';
import type { LeafNode } from '../../../../src/transports/embedded/file/tree-page.ts';
import {
  LEAF,
  largeNode,
  metaOf,
  PAGE,
  pageOf,
  type RawMeta,
  type RawNode,
  treeNode,
  valueNode,
  writeFile,
} from './lmdb-pages.ts';
import { temporary } from './parts.ts';

const TABLES = ['commits', 'counts', 'marks', 'records', 'topics'];

/** A file from its two meta pages and what is behind them. */
async function fileOf(t: TestContext, parts: readonly Buffer[]): Promise<string> {
  const name = path.join(await temporary(t), 'data.mdb');
  writeFileSync(name, Buffer.concat(parts));
  return name;
}

function opened(t: TestContext, name: string, mode: 'read' | 'repair' = 'read'): DataFile {
  const file = new DataFile(name, mode);
  t.after(() => file.close());
  return file;
}

describe('the file of the log', () => {
  test('is in the state of its newest transaction, whichever of the two meta pages has it', async (t) => {
    const older = metaOf({ transaction: 4, lastPage: 7, main: { root: 3, depth: 1, entries: 5 } });
    const newer = metaOf({ transaction: 5, lastPage: 9, free: { root: 4, depth: 2 } });
    const newestSecond = opened(t, await fileOf(t, [older, newer])).meta;
    const newestFirst = opened(t, await fileOf(t, [newer, older])).meta;
    const state = { pageSize: PAGE, lastPage: 9, main: { flags: 0, depth: 0, entries: 0, root: undefined } };
    const free = { flags: 8, depth: 2, entries: 0, root: 4 };
    assert.deepEqual(newestSecond, { ...state, free, at: 1 });
    assert.deepEqual(newestFirst, { ...state, free, at: 0 });
    const { meta } = opened(t, await fileOf(t, [older, older]));
    assert.deepEqual([meta.at, meta.main], [0, { flags: 0, depth: 1, entries: 5, root: 3 }]);
  });

  test('has pages from 256 bytes to 64 KiB, by powers of two', async (t) => {
    for (const pageSize of [256, 512, 65_536]) {
      const content = Buffer.alloc(2 * Math.max(pageSize, PAGE));
      metaOf({ pageSize, transaction: 1 }).copy(content, 0, 0, 168);
      metaOf({ pageSize, transaction: 2 }).copy(content, pageSize, 0, 168);
      assert.equal(opened(t, await fileOf(t, [content])).meta.pageSize, pageSize);
    }
    for (const pageSize of [0, 128, 255, 384, 131_072]) {
      const name = await fileOf(t, [metaOf({ pageSize }), Buffer.alloc(300_000)]);
      assert.throws(() => new DataFile(name, 'read'), {
        constructor: FileDamage,
        message: `its pages cannot be of ${pageSize} bytes`,
      });
    }
  });

  test('whose meta pages do not fit each other, or are none, is refused', async (t) => {
    const refused = async (parts: readonly Buffer[], message: RegExp) => {
      const name = await fileOf(t, parts);
      assert.throws(() => new DataFile(name, 'read'), { constructor: FileDamage, message });
    };
    await refused([metaOf({}), metaOf({ pageSize: 1_024, transaction: 2 })], /contradict each other/);
    await refused([metaOf({}), pageOf(LEAF, 1, [])], /not a file of LMDB/);
    const wrongFlag = metaOf({});
    wrongFlag.writeUInt16LE(0, 18);
    await refused([wrongFlag, metaOf({})], /not a file of LMDB/);
    const later = metaOf({});
    later.writeUInt32LE(0x1_0003, 28);
    await refused([later, metaOf({})], /version 3 of LMDB's format, not 2/);
    await refused([metaOf({}).subarray(0, 100)], /ends after 100 bytes, where 168 are needed/);
    await refused([metaOf({}), metaOf({}).subarray(0, 167)], /ends after 679 bytes, where 680 are needed/);
  });

  test('whose version has flags in its upper half is of that version all the same', async (t) => {
    const flagged = metaOf({});
    flagged.writeUInt32LE(0x1_0002, 28);
    assert.equal(opened(t, await fileOf(t, [flagged, metaOf({})])).meta.at, 0);
  });

  test('leaves no descriptor behind where it is refused', async (t) => {
    const name = await fileOf(t, [Buffer.alloc(2 * PAGE)]);
    const next = () => {
      const descriptor = openSync(name, 'r');
      closeSync(descriptor);
      return descriptor;
    };
    const before = next();
    assert.throws(() => new DataFile(name, 'read'));
    assert.equal(next(), before);
    new DataFile(await fileOf(t, [metaOf({}), metaOf({})]), 'read').close();
    assert.equal(next(), before);
  });

  test('has the pages that are whole, but not the meta pages', async (t) => {
    const pages = [1, 2, 3].map((fill) => Buffer.alloc(PAGE, fill));
    const file = opened(t, await fileOf(t, [metaOf({}), metaOf({}), ...pages, Buffer.alloc(PAGE - 1)]));
    assert.deepEqual(
      [file.holds(1), file.holds(2), file.holds(4), file.holds(5), file.holds(2, 3), file.holds(2, 4)],
      [false, true, true, false, true, false],
    );
    assert.deepEqual(file.page(3), pages[1]);
    assert.deepEqual(file.page(2, 2), Buffer.concat(pages.slice(0, 2)));
    assert.throws(() => file.page(5), /it ends after 3071 bytes, where 3072 are needed/);
    assert.equal(file.bytes, 3_071);
  });

  test('can be repaired page by page, and gives up its free pages', async (t) => {
    const free = { root: 4, depth: 2, entries: 9 };
    const main = { root: 3, depth: 1, entries: 5 };
    const meta = metaOf({ transaction: 2, lastPage: 3, free, main });
    const name = await fileOf(t, [metaOf({}), meta, Buffer.alloc(PAGE, 2), Buffer.alloc(PAGE, 3)]);
    const file = opened(t, name, 'repair');
    file.write(3, Buffer.alloc(PAGE, 9));
    assert.deepEqual([file.page(2)[0], file.page(3)[PAGE - 1]], [2, 9]);
    file.emptyFreeTree();
    const after = opened(t, name).meta;
    assert.deepEqual(after.free, { flags: 8, depth: 0, entries: 0, root: undefined });
    assert.deepEqual([after.main, after.lastPage, after.pageSize], [{ flags: 0, ...main }, 3, PAGE]);
    assert.deepEqual(readFileSync(name).subarray(0, PAGE), metaOf({}), 'the other meta page is as it was');
  });
});

/** The list of tables as page 2, and what they say of themselves. */
function tables(trees: Readonly<Record<string, Parameters<typeof treeNode>[1]>>, names = TABLES): Buffer {
  return pageOf(
    LEAF,
    2,
    names.map((name) => treeNode(`${name}\0`, trees[name] ?? {})),
  );
}

/** What a check finds in a file whose list of tables is page 2. */
async function checked(t: TestContext, pages: readonly Buffer[], meta: RawMeta = {}) {
  const name = path.join(await temporary(t), 'data.mdb');
  writeFile(name, { main: { root: 2, depth: 1, entries: TABLES.length }, ...meta }, pages);
  const file = opened(t, name);
  const records: LeafNode[] = [];
  const report = checkFile(file, (node) => void records.push(node));
  return { ...report, records: records.map((node) => [String(node.key), String(storedValue(file, node))]) };
}

const WHOLE = { leaves: [], freePages: undefined };
const ONE = { root: 3, depth: 1, entries: 1 };

/** An entry of the list of free pages: with which transaction they were given up, and runs of them. */
function freeEntry(transaction: number, numbers: readonly number[], count = numbers.length): RawNode {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(BigInt(transaction));
  const body = Buffer.alloc(8 * (numbers.length + 1));
  for (const [at, number] of [count, ...numbers].entries()) body.writeBigInt64LE(BigInt(number), at * 8);
  return { key, size: body.length, body };
}

describe('a check of the whole file', () => {
  test('finds nothing wrong where nothing is, and shows the table of records', async (t) => {
    assert.deepEqual(await checked(t, [tables({})]), { ...WHOLE, records: [] });
    const large = Buffer.alloc(2 * PAGE, '-');
    large.write('large', 24);
    const records = pageOf(LEAF, 3, [valueNode('a', 'one'), largeNode('b', 600, 4, 2)]);
    const found = await checked(t, [tables({ records: { ...ONE, entries: 2 } }), records, large]);
    assert.deepEqual(found, {
      ...WHOLE,
      records: [
        ['a', 'one'],
        ['b', `large${'-'.repeat(595)}`],
      ],
    });
  });

  test('finds nothing in a file without any table, as one that was killed at its first start leaves', async (t) => {
    assert.deepEqual(await checked(t, [], { main: {} }), { ...WHOLE, records: [] });
    assert.deepEqual(await checked(t, [tables({}, ['counts', 'topics'])]), { ...WHOLE, records: [] });
  });

  test('refuses a file with records that lacks a table', async (t) => {
    const page = pageOf(LEAF, 3, [valueNode('a', 'one')]);
    const without = tables({ records: ONE }, ['commits', 'counts', 'records', 'topics']);
    await assert.rejects(checked(t, [without, page]), {
      constructor: FileDamage,
      message: 'the table of marks is missing',
    });
  });

  test('refuses tables that are none, have flags, or another number of entries', async (t) => {
    const page = pageOf(LEAF, 3, [valueNode('a', 'one')]);
    const noTable = pageOf(LEAF, 2, [valueNode('marks\0', 'x')]);
    await assert.rejects(checked(t, [noTable]), /the table of marks is not a table/);
    await assert.rejects(
      checked(t, [tables({ records: { flags: 4 } })]),
      /the table of records cannot have the flags 4/,
    );
    for (const name of ['marks', 'topics']) {
      assert.deepEqual(await checked(t, [tables({ [name]: ONE }), page]), { ...WHOLE, records: [] });
      const more = tables({ [name]: { ...ONE, entries: 2 } });
      await assert.rejects(checked(t, [more, page]), { message: `the table of ${name} has 1 entries, not 2` });
    }
  });

  test('tells leaves of records that are damaged, and refuses any other damaged leaf', async (t) => {
    const damaged = pageOf(LEAF, 3, [valueNode('a', 'one')]).fill(0, 18);
    const { leaves, records } = await checked(t, [tables({ records: ONE }), damaged]);
    assert.deepEqual([leaves.map(({ page }) => page), records], [[3], []]);
    await assert.rejects(checked(t, [tables({ marks: ONE }), damaged]), /the table of marks cannot be read: page 3/);
    await assert.rejects(checked(t, [damaged]), /the list of tables cannot be read/);
  });

  test('refuses a page that two tables have', async (t) => {
    const page = pageOf(LEAF, 3, [valueNode('a', 'one')]);
    await assert.rejects(checked(t, [tables({ counts: ONE, marks: ONE }), page]), /page 3 is used twice/);
  });
});

describe('the list of free pages', () => {
  const listed = (t: TestContext, ...entries: RawNode[]) =>
    checked(t, [tables({}), pageOf(LEAF, 3, entries), ...[4, 5, 6].map(() => Buffer.alloc(PAGE))], {
      free: { root: 3, depth: 1 },
    });

  test('names pages by themselves, and runs by their length in front of the first', async (t) => {
    const { freePages } = await listed(
      t,
      freeEntry(1, [4]),
      freeEntry(2, [-2, 5]),
      freeEntry(256, [0, 0]),
      freeEntry(300, []),
    );
    assert.equal(freePages, undefined);
  });

  for (const [what, entry, reason] of [
    ['a meta page', freeEntry(1, [1]), /page 1 is not free/],
    ['a page that was never given out', freeEntry(1, [7]), /page 7 is not free/],
    ['a run that ends behind the last page', freeEntry(1, [-2, 6]), /page 7 is not free/],
    ['the page of the tables', freeEntry(1, [2]), /page 2 is not free/],
    ['a run over its own page', freeEntry(1, [-2, 2]), /page 2 is not free/],
    ['a page behind a run', freeEntry(1, [-2, 4, 7]), /page 7 is not free/],
    ['more pages than it has', freeEntry(1, [4], 2), /an entry cannot have 2 pages/],
    ['fewer than no pages', freeEntry(1, [4], -1), /an entry cannot have -1 pages/],
    ['nothing at all', { key: Buffer.alloc(8), size: 0 }, /an entry is cut off/],
    ['half a number', { key: Buffer.alloc(8), size: 12, body: Buffer.alloc(12) }, /an entry is cut off/],
  ] as const) {
    test(`that names ${what} is damaged`, async (t) => {
      assert.match(String((await listed(t, entry)).freePages), reason);
    });
  }

  test('is in the order of its numbers', async (t) => {
    const wrong = await listed(t, freeEntry(300, [4]), freeEntry(2, [5]));
    assert.match(String(wrong.freePages), /its keys are not in order/);
    const same = await listed(t, freeEntry(2, [4]), freeEntry(2, [5]));
    assert.match(String(same.freePages), /its keys are not in order/);
    const text = await listed(t, freeEntry(2, [4]), { ...freeEntry(3, [5]), key: Buffer.from('k') });
    assert.match(String(text.freePages), /a key is not a number/);
  });

  test('has flags that say so', async (t) => {
    const { freePages } = await checked(t, [tables({})], { free: { flags: 0 } });
    assert.equal(freePages, 'the list of free pages cannot have the flags 0');
  });
});
