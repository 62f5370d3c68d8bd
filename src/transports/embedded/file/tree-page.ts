import { FLAGS_AT, PAGE_HEADER, TREE_BYTES } from './data-file.ts';

/*
 * A page of a tree: the header, then offsets of its nodes (u16 each, behind the header), free space, and the nodes. A node is
 * u32 length of the value, or the low part of a child's number; u16 flags, or the child's high part; u16 length of the key; the
 * key, and the value or where it is.
 */
const LOWER_AT = 20;
const UPPER_AT = 22;
const KIND = 0x2f;
const BRANCH = 0x01;
const LEAF = 0x02;
const NODE_HEADER = 8;
const IN_PAGES_OF_ITS_OWN = 0x01;
const SUBTREE = 0x02;
/** Where a large value is: u64 first page, u64 transaction, u64 pages. */
const PLACE_BYTES = 24;

export interface BranchNode {
  readonly key: Buffer;
  readonly child: number;
}

export interface LeafNode {
  readonly key: Buffer;
  /** Bytes of the value. */
  readonly size: number;
  /** The value, where it is in the page. */
  readonly value: Buffer | undefined;
  /** The pages of the value, where it is not. */
  readonly pages: { readonly first: number; readonly count: number } | undefined;
  /** The value describes a tree: that of a table. */
  readonly isTree: boolean;
}

/** Says what is wrong with a page. */
export class PageDamage extends Error {}

/** Throws PageDamage where the page is not a branch that LMDB can follow. */
export function readBranch(page: Buffer, number: number): BranchNode[] {
  const nodes: BranchNode[] = [];
  let bytes = 0;
  for (const at of nodePlaces(page, number, BRANCH)) {
    const end = endOfKey(page, at);
    bytes += even(end - at);
    nodes.push({
      key: page.subarray(at + NODE_HEADER, end),
      child: page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32,
    });
  }
  requireFilled(page, bytes);
  return nodes;
}

/** Throws PageDamage where the page is not a leaf that LMDB can read. */
export function readLeaf(page: Buffer, number: number): LeafNode[] {
  const nodes: LeafNode[] = [];
  let bytes = 0;
  for (const at of nodePlaces(page, number, LEAF)) {
    const node = leafNode(page, at);
    bytes += even(NODE_HEADER + node.key.length + (node.value?.length ?? PLACE_BYTES));
    nodes.push(node);
  }
  requireFilled(page, bytes);
  return nodes;
}

/** A leaf with one value. */
export function writeLeaf(number: number, pageSize: number, key: Buffer, value: Buffer): Buffer {
  const page = Buffer.alloc(pageSize);
  const at = (pageSize - NODE_HEADER - key.length - value.length) & ~1;
  page.writeBigUInt64LE(BigInt(number), 0);
  page.writeUInt16LE(LEAF, FLAGS_AT);
  page.writeUInt16LE(2, LOWER_AT);
  page.writeUInt16LE(at - PAGE_HEADER, UPPER_AT);
  page.writeUInt16LE(at - PAGE_HEADER, PAGE_HEADER);
  page.writeUInt32LE(value.length, at);
  page.writeUInt16LE(key.length, at + 6);
  key.copy(page, at + NODE_HEADER);
  value.copy(page, at + NODE_HEADER + key.length);
  return page;
}

function nodePlaces(page: Buffer, number: number, kind: number): number[] {
  if (page.readBigUInt64LE(0) !== BigInt(number)) throw new PageDamage('it has the number of another page');
  if ((page.readUInt16LE(FLAGS_AT) & KIND) !== kind) throw new PageDamage('it is another kind of page');
  const lower = page.readUInt16LE(LOWER_AT);
  const upper = page.readUInt16LE(UPPER_AT);
  if (lower === 0 || lower % 2 !== 0 || lower > upper || upper > page.length - PAGE_HEADER)
    throw new PageDamage('its bounds cannot be right');
  const places: number[] = [];
  for (let at = PAGE_HEADER; at < PAGE_HEADER + lower; at += 2) {
    const place = page.readUInt16LE(at) + PAGE_HEADER;
    if (place < upper + PAGE_HEADER || place % 2 !== 0 || place + NODE_HEADER > page.length)
      throw new PageDamage('a value is not in the page');
    places.push(place);
  }
  return places;
}

function leafNode(page: Buffer, at: number): LeafNode {
  const size = page.readUInt32LE(at);
  const flags = page.readUInt16LE(at + 4);
  const keyEnd = endOfKey(page, at);
  const key = page.subarray(at + NODE_HEADER, keyEnd);
  const isElsewhere = flags === IN_PAGES_OF_ITS_OWN;
  const isTree = flags === SUBTREE;
  if (flags !== 0 && !isElsewhere && !isTree) throw new PageDamage('a value is of an unknown kind');
  const end = keyEnd + (isElsewhere ? PLACE_BYTES : size);
  if (end > page.length || (isTree && size !== TREE_BYTES)) throw new PageDamage('a value is longer than the page');
  if (!isElsewhere) return { key, size, value: page.subarray(keyEnd, end), pages: undefined, isTree };
  const first = Number(page.readBigUInt64LE(keyEnd));
  const count = Number(page.readBigUInt64LE(keyEnd + 16));
  if (count !== Math.floor((PAGE_HEADER - 1 + size) / page.length) + 1)
    throw new PageDamage('a value has another number of pages than it needs');
  return { key, size, value: undefined, pages: { first, count }, isTree };
}

function endOfKey(page: Buffer, at: number): number {
  const end = at + NODE_HEADER + page.readUInt16LE(at + 6);
  if (end > page.length) throw new PageDamage('a key is longer than the page');
  return end;
}

/** LMDB leaves no holes between nodes, and moves them by what they say of their lengths. */
function requireFilled(page: Buffer, bytes: number): void {
  if (bytes !== page.length - PAGE_HEADER - page.readUInt16LE(UPPER_AT))
    throw new PageDamage('its values overlap, or leave holes');
}

function even(bytes: number): number {
  return bytes + (bytes % 2);
}
