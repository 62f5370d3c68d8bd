import { type DataFile, FileDamage, type Tree } from './data-file.ts';
import { type LeafNode, PageDamage, readBranch, readLeaf } from './tree-page.ts';

/** LMDB's own limit (CURSOR_STACK). */
const DEEPEST = 32;

/** A leaf that LMDB could not read. The keys that were in it are not below `low`. */
export interface DamagedLeaf {
  readonly page: number;
  /** undefined for the first leaf of a tree. */
  readonly low: Buffer | undefined;
  /** Keys that were in it are below `high`; undefined for the last leaf. */
  readonly high: Buffer | undefined;
  readonly reason: string;
}

export interface Visit {
  /** In the order of the keys. */
  readonly node?: (node: LeafNode) => void;
  /** Where it is left out, a damaged leaf is an error. */
  readonly damaged?: (leaf: DamagedLeaf) => void;
  readonly compare?: (a: Buffer, b: Buffer) => number;
}

interface Bounds {
  readonly low: Buffer | undefined;
  readonly high: Buffer | undefined;
}

/** Follows trees through a file, and keeps account of the pages that they have: two values in one page are damage, too. */
export class TreeWalk {
  private readonly file: DataFile;
  private readonly taken: Uint8Array;

  constructor(file: DataFile) {
    this.file = file;
    this.taken = new Uint8Array(Math.ceil(file.bytes / file.meta.pageSize));
  }

  /** Whether the page belongs to what was walked through. */
  isTaken(page: number): boolean {
    return this.taken[page] === 1;
  }

  /** Looks at every page of the tree but those of large values. Throws FileDamage at what LMDB could not follow. */
  through(name: string, { root, depth }: Tree, visit: Visit): void {
    if (root === undefined) return;
    if (depth === 0 || depth > DEEPEST) throw new FileDamage(`${name} cannot have a depth of ${depth}`);
    try {
      this.descend(root, depth, { low: undefined, high: undefined }, visit);
    } catch (error) {
      if (!(error instanceof PageDamage)) throw error;
      throw new FileDamage(`${name} cannot be read: ${error.message}`);
    }
  }

  private descend(number: number, levels: number, bounds: Bounds, visit: Visit): void {
    this.take(number, 1);
    const page = this.file.page(number);
    if (levels === 1) {
      this.leaf(number, page, bounds, visit);
      return;
    }
    const children = naming(number, () => {
      const nodes = readBranch(page, number);
      requireOrder(nodes.slice(1), bounds, visit.compare);
      return nodes;
    });
    for (const [index, { key, child }] of children.entries()) {
      const low = index === 0 ? bounds.low : key;
      const high = children[index + 1]?.key ?? bounds.high;
      this.descend(child, levels - 1, { low, high }, visit);
    }
  }

  private leaf(number: number, page: Buffer, bounds: Bounds, visit: Visit): void {
    let nodes: LeafNode[];
    try {
      nodes = naming(number, () => {
        const found = readLeaf(page, number);
        requireOrder(found, bounds, visit.compare);
        this.takeAll(found);
        return found;
      });
    } catch (error) {
      if (!(error instanceof PageDamage) || visit.damaged === undefined) throw error;
      visit.damaged({ page: number, ...bounds, reason: error.message });
      return;
    }
    if (visit.node !== undefined) for (const node of nodes) visit.node(node);
  }

  /** All or none. */
  private takeAll(nodes: readonly LeafNode[]): void {
    for (const { pages } of nodes) if (pages !== undefined) this.requireFree(pages.first, pages.count);
    for (const { pages } of nodes) if (pages !== undefined) this.take(pages.first, pages.count);
  }

  private take(first: number, count: number): void {
    this.requireFree(first, count);
    this.taken.fill(1, first, first + count);
  }

  private requireFree(first: number, count: number): void {
    if (!this.file.holds(first, count))
      throw new PageDamage(`page ${first + count - 1} is not in the file, which has ${this.file.bytes} bytes`);
    if (first + count - 1 > this.file.meta.lastPage) throw new PageDamage(`page ${first} was never given out`);
    for (let page = first; page < first + count; page += 1)
      if (this.taken[page] === 1) throw new PageDamage(`page ${page} is used twice`);
  }
}

function naming<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PageDamage) throw new PageDamage(`page ${number}: ${error.message}`);
    throw error;
  }
}

function requireOrder(
  nodes: readonly { readonly key: Buffer }[],
  bounds: Bounds,
  compare: (a: Buffer, b: Buffer) => number = Buffer.compare,
): void {
  let before = bounds.low;
  for (const [index, { key }] of nodes.entries()) {
    const order = before === undefined ? -1 : compare(before, key);
    if (order > 0 || (order === 0 && index > 0)) throw new PageDamage('its keys are not in order');
    before = key;
  }
  if (before !== undefined && bounds.high !== undefined && nodes.length > 0 && compare(before, bounds.high) >= 0)
    throw new PageDamage('its keys are not in order');
}
