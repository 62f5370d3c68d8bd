import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DataFile, FileDamage } from '../../../../src/transports/embedded/file/data-file.ts';
import { type DamagedLeaf, TreeWalk } from '../../../../src/transports/embedded/file/page-tree.ts';
import { PageDamage } from '../../../../src/transports/embedded/file/tree-page.ts';
import { BRANCH, childNode, LEAF, largeNode, PAGE, pageOf, valueNode } from './lmdb-pages.ts';

const TREE = { flags: 0, entries: 0 };

/** A file with these pages behind the two meta pages; `lastPage`: the highest that was given out. */
function fileOf(pages: readonly Buffer[], lastPage = pages.length + 1): DataFile {
  const bytes = (pages.length + 2) * PAGE;
  return {
    bytes,
    meta: { pageSize: PAGE, lastPage },
    page: (number: number) => pages[number - 2] ?? Buffer.alloc(PAGE),
    holds: (number: number, count = 1) => number >= 2 && (number + count) * PAGE <= bytes,
  } as unknown as DataFile;
}

/** What is found in a tree: its keys, and its damaged leaves. */
function walked(walk: TreeWalk, depth: number, root: number | undefined = 2) {
  const keys: string[] = [];
  const leaves: DamagedLeaf[] = [];
  walk.through(
    'it',
    { ...TREE, depth, root },
    { node: ({ key }) => keys.push(String(key)), damaged: (leaf) => leaves.push(leaf) },
  );
  const damaged = leaves.map(({ page, low, high, reason }) => [page, low?.toString(), high?.toString(), reason]);
  return { keys, damaged };
}

/** A root with three leaves. */
function threeLeaves(): Buffer[] {
  return [
    pageOf(BRANCH, 2, [childNode('', 3), childNode('d', 4), childNode('g', 5)]),
    pageOf(LEAF, 3, [valueNode('a', '1'), valueNode('b', '2')]),
    pageOf(LEAF, 4, [valueNode('d', '3'), valueNode('e', '4')]),
    pageOf(LEAF, 5, [valueNode('g', '5')]),
  ];
}

describe('a tree of pages', () => {
  test('is read in the order of its keys, and its pages are taken', () => {
    const walk = new TreeWalk(fileOf([...threeLeaves(), Buffer.alloc(PAGE)]));
    assert.deepEqual(walked(walk, 2), { keys: ['a', 'b', 'd', 'e', 'g'], damaged: [] });
    assert.deepEqual(
      [2, 3, 4, 5, 6].map((page) => walk.isTaken(page)),
      [true, true, true, true, false],
    );
  });

  test('that is empty has nothing to read, and one leaf may be all of it', () => {
    const walk = new TreeWalk(fileOf([pageOf(LEAF, 2, [valueNode('a', '1')])]));
    walk.through('it', { ...TREE, depth: 0, root: undefined }, {});
    assert.equal(walk.isTaken(2), false);
    assert.deepEqual(walked(walk, 1).keys, ['a']);
  });

  test('has a depth from 1 to 32', () => {
    const walk = () => new TreeWalk(fileOf([pageOf(LEAF, 2, [valueNode('a', '1')])]));
    for (const depth of [0, 33]) assert.throws(() => walked(walk(), depth), /it cannot have a depth of (0|33)$/);
    // 32 levels are looked for.
    assert.throws(() => walked(walk(), 32), /it cannot be read: page 2: it is another kind of page/);
  });

  test('that has a page of another kind in its middle cannot be read, whatever is done about leaves', () => {
    const pages = threeLeaves();
    pages[0] = pageOf(LEAF, 2, [valueNode('a', '1')]);
    assert.throws(() => walked(new TreeWalk(fileOf(pages)), 2), {
      constructor: FileDamage,
      message: 'it cannot be read: page 2: it is another kind of page',
    });
  });

  test('that has one page twice, or one outside of the file, cannot be read', () => {
    const twice = [pageOf(BRANCH, 2, [childNode('', 3), childNode('d', 3)]), pageOf(LEAF, 3, [valueNode('a', '1')])];
    assert.throws(() => walked(new TreeWalk(fileOf(twice)), 2), /page 3 is used twice/);
    const outside = [pageOf(BRANCH, 2, [childNode('', 3), childNode('d', 9)]), pageOf(LEAF, 3, [valueNode('a', '1')])];
    assert.throws(() => walked(new TreeWalk(fileOf(outside)), 2), /page 9 is not in the file, which has 2048 bytes/);
    for (const meta of [0, 1])
      assert.throws(() => walked(new TreeWalk(fileOf(outside)), 1, meta), /is not in the file/);
    assert.throws(() => walked(new TreeWalk(fileOf(threeLeaves(), 4)), 2), /page 5 was never given out/);
  });

  test('that was walked through already cannot be part of another', () => {
    const walk = new TreeWalk(fileOf(threeLeaves()));
    walked(walk, 2);
    assert.throws(() => walked(walk, 1, 5), /page 5 is used twice/);
  });
});

describe('a leaf that cannot be read', () => {
  const cases: readonly (readonly [string, number, (string | undefined)[]])[] = [
    ['first', 1, [undefined, 'd']],
    ['middle', 2, ['d', 'g']],
    ['last', 3, ['g', undefined]],
  ];
  for (const [which, at, bounds] of cases) {
    test(`is reported with the keys around it where it is the ${which} one, and the others are read`, () => {
      const pages = threeLeaves();
      pages[at]?.fill(0, 18);
      const all = [['a', 'b'], ['d', 'e'], ['g']];
      const { keys, damaged } = walked(new TreeWalk(fileOf(pages)), 2);
      assert.deepEqual(keys, all.filter((_, index) => index !== at - 1).flat());
      assert.deepEqual(damaged, [[at + 2, ...bounds, `page ${at + 2}: it is another kind of page`]]);
    });
  }

  test('is an error where nothing is done about it', () => {
    const pages = threeLeaves();
    pages[2]?.fill(0, 18);
    const walk = new TreeWalk(fileOf(pages));
    assert.throws(() => walk.through('it', { ...TREE, depth: 2, root: 2 }, {}), {
      constructor: FileDamage,
      message: 'it cannot be read: page 4: it is another kind of page',
    });
  });

  test('is one whose keys are not in order, or belong elsewhere', () => {
    const withLeaf = (...keys: string[]) => {
      const pages = threeLeaves();
      pages[2] = pageOf(
        LEAF,
        4,
        keys.map((key) => valueNode(key, 'x')),
      );
      return walked(new TreeWalk(fileOf(pages)), 2).damaged.map(([, , , reason]) => reason);
    };
    const outOfOrder = ['page 4: its keys are not in order'];
    assert.deepEqual(withLeaf('e', 'd'), outOfOrder);
    assert.deepEqual(withLeaf('d', 'd'), outOfOrder);
    assert.deepEqual(withLeaf('c', 'd'), outOfOrder, 'below its bounds');
    assert.deepEqual(withLeaf('d', 'g'), outOfOrder, 'at its upper bound');
    assert.deepEqual(withLeaf('d', 'h'), outOfOrder, 'above its bounds');
    assert.deepEqual(withLeaf('d', 'fff'), []);
    assert.deepEqual(withLeaf('e'), [], 'its first key may be gone');
  });

  test('whose large values are not all to be had takes none of their pages', () => {
    const large = (first: number) => largeNode(`k${first}`, PAGE, first, 2);
    const pages = [
      pageOf(BRANCH, 2, [childNode('', 3), childNode('l', 4)]),
      pageOf(LEAF, 3, [large(5), large(9)]),
      pageOf(LEAF, 4, [valueNode('l', '1')]),
      ...[5, 6, 7].map(() => Buffer.alloc(PAGE)),
    ];
    const walk = new TreeWalk(fileOf(pages));
    const { keys, damaged } = walked(walk, 2);
    assert.deepEqual([keys, damaged.map(([page]) => page)], [['l'], [3]]);
    assert.match(String(damaged[0]?.[3]), /page 10 is not in the file/);
    assert.deepEqual([walk.isTaken(5), walk.isTaken(6)], [false, false]);
  });
});

describe('a large value', () => {
  test('has its pages for itself', () => {
    const pages = [
      pageOf(LEAF, 2, [largeNode('a', PAGE, 3, 2), largeNode('b', 10, 5, 1)]),
      ...[3, 4, 5, 6].map(() => Buffer.alloc(PAGE)),
    ];
    const walk = new TreeWalk(fileOf(pages));
    assert.deepEqual(walked(walk, 1), { keys: ['a', 'b'], damaged: [] });
    assert.deepEqual(
      [3, 4, 5, 6].map((page) => walk.isTaken(page)),
      [true, true, true, false],
    );
    const shared = [pageOf(LEAF, 2, [largeNode('a', PAGE, 3, 2), largeNode('b', 10, 4, 1)]), ...pages.slice(1)];
    assert.throws(
      () => new TreeWalk(fileOf(shared)).through('it', { ...TREE, depth: 1, root: 2 }, {}),
      /page 4 is used twice/,
    );
  });
});

test('the order of keys is the one that is given', () => {
  const reversed = pageOf(LEAF, 2, [valueNode('b', '1'), valueNode('a', '2')]);
  const walk = new TreeWalk(fileOf([reversed]));
  walk.through('it', { ...TREE, depth: 1, root: 2 }, { compare: (a, b) => Buffer.compare(b, a) });
  assert.throws(
    () => new TreeWalk(fileOf([reversed])).through('it', { ...TREE, depth: 1, root: 2 }, {}),
    /not in order/,
  );
  const failing = new TreeWalk(fileOf([pageOf(LEAF, 2, [valueNode('a', '1')])]));
  const bug = new RangeError('a bug');
  const visit = {
    node: () => {
      throw bug;
    },
    damaged: () => assert.fail('that is not damage'),
  };
  assert.throws(() => failing.through('it', { ...TREE, depth: 1, root: 2 }, visit), bug);
  assert.ok(!(bug instanceof PageDamage));
});
