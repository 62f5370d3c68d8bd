import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PageDamage, readBranch, readLeaf, writeLeaf } from '../../../../src/transports/embedded/file/tree-page.ts';
import { BRANCH, childNode, LEAF, largeNode, PAGE, pageOf, treeNode, valueNode } from './lmdb-pages.ts';

const entries = (page: Buffer, number: number) =>
  readLeaf(page, number).map(({ key, value }) => [key.toString(), value?.toString()]);

describe('a leaf', () => {
  test('has its keys and values in order, of odd and of even length, and of none', () => {
    const page = pageOf(LEAF, 5, [valueNode('a', 'one'), valueNode('bb', ''), valueNode('c', 'four')]);
    assert.deepEqual(entries(page, 5), [
      ['a', 'one'],
      ['bb', ''],
      ['c', 'four'],
    ]);
    for (const { pages, isTree } of readLeaf(page, 5)) assert.deepEqual([pages, isTree], [undefined, false]);
  });

  test('says of a large value where it is, and of a table that it is one', () => {
    const [large, table] = readLeaf(pageOf(LEAF, 9, [largeNode('a', 1_000, 70_000, 2), treeNode('b', {})]), 9);
    assert.deepEqual(large, {
      key: Buffer.from('a'),
      size: 1_000,
      value: undefined,
      pages: { first: 70_000, count: 2 },
      isTree: false,
    });
    assert.deepEqual([table?.isTree, table?.size, table?.value?.length, table?.pages], [true, 48, 48, undefined]);
  });

  test('counts the pages of a large value with the header of the first', () => {
    for (const [size, count] of [
      [PAGE - 24, 1],
      [PAGE - 23, 2],
      [2 * PAGE - 24, 2],
      [2 * PAGE - 23, 3],
    ] as const) {
      assert.equal(readLeaf(pageOf(LEAF, 2, [largeNode('a', size, 3, count)]), 2).length, 1);
      for (const wrong of [count - 1, count + 1])
        assert.throws(() => readLeaf(pageOf(LEAF, 2, [largeNode('a', size, 3, wrong)]), 2), /another number of pages/);
    }
  });

  test('that is written with one value is read as such, whatever the lengths', () => {
    for (const [key, value] of [
      ['k', 'v'],
      ['k', 'va'],
      ['ke', 'v'],
      ['ke', ''],
    ] as const)
      assert.deepEqual(entries(writeLeaf(6, PAGE, Buffer.from(key), Buffer.from(value)), 6), [[key, value]]);
    // Up to the last byte of the page.
    const most = 'x'.repeat(PAGE - 24 - 2 - 8 - 2);
    assert.deepEqual(entries(writeLeaf(6, PAGE, Buffer.from('ke'), Buffer.from(most)), 6), [['ke', most]]);
  });
});

describe('a branch', () => {
  test('has its keys and the numbers of its children, which have 48 bits', () => {
    const high = { key: 'm', size: 5, flags: 3 };
    const nodes = readBranch(pageOf(BRANCH, 4, [childNode('', 17), high, childNode('yy', 0xffff_fffe)]), 4);
    assert.deepEqual(
      nodes.map(({ key, child }) => [key.toString(), child]),
      [
        ['', 17],
        ['m', 3 * 2 ** 32 + 5],
        ['yy', 0xffff_fffe],
      ],
    );
  });
});

describe('a page is damaged', () => {
  const whole = () => pageOf(LEAF, 5, [valueNode('a', 'one'), valueNode('b', 'two')]);
  /** Where the first node begins, which is the last in the page: key of 1 byte, value of 3. */
  const FIRST = PAGE - 12;
  const changes: readonly (readonly [string, (page: Buffer) => void, RegExp])[] = [
    ['its number is another', (page) => page.writeUInt8(6, 0), /number of another page/],
    ['the high half of its number is another', (page) => page.writeUInt8(1, 4), /number of another page/],
    ['it is of no kind', (page) => page.writeUInt16LE(0, 18), /another kind/],
    ['it is a branch', (page) => page.writeUInt16LE(BRANCH, 18), /another kind/],
    ['it is of two kinds', (page) => page.writeUInt16LE(LEAF | BRANCH, 18), /another kind/],
    ['it has no values', (page) => page.writeUInt16LE(0, 20), /bounds/],
    ['its list of values ends in the middle of one', (page) => page.writeUInt16LE(3, 20), /bounds/],
    ['its list of values ends behind the free space', (page) => page.writeUInt16LE(PAGE - 22, 20), /bounds/],
    ['its free space ends behind it', (page) => page.writeUInt16LE(PAGE - 22, 22), /bounds/],
    ['a value is in the free space', (page) => page.writeUInt16LE(page.readUInt16LE(22) - 2, 24), /not in the page/],
    ['a value begins at an odd place', (page) => page.writeUInt16LE(FIRST - 24 + 1, 24), /not in the page/],
    ['a value begins at the end of the page', (page) => page.writeUInt16LE(PAGE - 24 - 6, 24), /not in the page/],
    ['a key is too long', (page) => page.writeUInt16LE(5, FIRST + 6), /key is longer/],
    ['a value is too long', (page) => page.writeUInt32LE(4, FIRST), /value is longer/],
    ['a value is of an unknown kind', (page) => page.writeUInt16LE(4, FIRST + 4), /unknown kind/],
    ['a table is described by too few bytes', (page) => page.writeUInt16LE(2, FIRST + 4), /value is longer/],
    ['a value is too short', (page) => page.writeUInt32LE(1, FIRST), /overlap, or leave holes/],
  ];
  for (const [what, change, reason] of changes) {
    test(`where ${what}`, () => {
      const page = whole();
      assert.equal(readLeaf(page, 5).length, 2);
      change(page);
      assert.throws(() => readLeaf(page, 5), { message: reason });
      assert.throws(() => readLeaf(page, 5), PageDamage);
    });
  }

  test('where its values leave a hole in front of them', () => {
    const page = whole();
    page.writeUInt16LE(page.readUInt16LE(22) - 2, 22);
    assert.throws(() => readLeaf(page, 5), /overlap, or leave holes/);
  });

  test('where the children of a branch leave a hole, or it is a leaf', () => {
    const page = pageOf(BRANCH, 5, [childNode('', 2), childNode('k', 3)]);
    page.writeUInt16LE(page.readUInt16LE(22) - 2, 22);
    assert.throws(() => readBranch(page, 5), /overlap, or leave holes/);
    assert.throws(() => readBranch(whole(), 5), /another kind/);
  });

  test('but not by flags of LMDB that say nothing of its kind', () => {
    const page = whole();
    page.writeUInt16LE(LEAF | 0x10, 18);
    assert.equal(readLeaf(page, 5).length, 2);
  });
});
