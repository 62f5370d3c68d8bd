import { writeFileSync } from 'node:fs';
import type { Tree } from '../../../../src/transports/embedded/file/data-file.ts';

/* Pages of LMDB's file made by hand, after lmdb.h; numbers are little endian. */

export const PAGE = 512;
const HEADER = 24;
const NODE_HEADER = 8;
export const BRANCH = 0x01;
export const LEAF = 0x02;
const META = 0x08;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

export interface RawNode {
  readonly key: Buffer | string;
  /** What the node says of the length of its value; a branch: the low half of its child's number. */
  readonly size: number;
  readonly flags?: number;
  /** What is behind the key. */
  readonly body?: Buffer;
}

/** A page with these nodes, the first at the end of the page. */
export function pageOf(kind: number, number: number, nodes: readonly RawNode[]): Buffer {
  const page = Buffer.alloc(PAGE);
  let at = PAGE;
  for (const [index, { key, size, flags = 0, body = Buffer.alloc(0) }] of nodes.entries()) {
    const name = Buffer.from(key);
    const length = NODE_HEADER + name.length + body.length;
    at -= length + (length % 2);
    page.writeUInt32LE(size, at);
    page.writeUInt16LE(flags, at + 4);
    page.writeUInt16LE(name.length, at + 6);
    name.copy(page, at + NODE_HEADER);
    body.copy(page, at + NODE_HEADER + name.length);
    page.writeUInt16LE(at - HEADER, HEADER + index * 2);
  }
  page.writeBigUInt64LE(BigInt(number), 0);
  page.writeUInt16LE(kind, 18);
  page.writeUInt16LE(nodes.length * 2, 20);
  page.writeUInt16LE(at - HEADER, 22);
  return page;
}

export const valueNode = (key: string, value: string): RawNode => ({
  key,
  size: Buffer.byteLength(value),
  body: Buffer.from(value),
});

/** A value of so many bytes that has pages of its own. */
export function largeNode(key: string, size: number, first: number, count: number): RawNode {
  const body = Buffer.alloc(24);
  body.writeBigUInt64LE(BigInt(first), 0);
  body.writeBigUInt64LE(BigInt(count), 16);
  return { key, size, flags: 1, body };
}

export const childNode = (key: string, child: number): RawNode => ({ key, size: child });

export function treeNode(key: string, tree: Partial<Tree>): RawNode {
  return { key, size: 48, flags: 2, body: treeOf(tree) };
}

/** The description of a tree; of an empty one by default. */
export function treeOf({ flags = 0, depth = 0, entries = 0, root }: Partial<Tree>): Buffer {
  const tree = Buffer.alloc(48);
  tree.writeUInt16LE(flags, 4);
  tree.writeUInt16LE(depth, 6);
  tree.writeBigUInt64LE(BigInt(entries), 32);
  tree.writeBigUInt64LE(root === undefined ? NO_PAGE : BigInt(root), 40);
  return tree;
}

export interface RawMeta {
  readonly pageSize?: number;
  readonly transaction?: number;
  readonly lastPage?: number;
  readonly free?: Partial<Tree>;
  readonly main?: Partial<Tree>;
}

export function metaOf({ pageSize = PAGE, transaction = 1, lastPage = 1, free = {}, main = {} }: RawMeta): Buffer {
  const page = Buffer.alloc(PAGE);
  page.writeUInt16LE(META, 18);
  page.writeUInt32LE(0xbeefc0de, 24);
  page.writeUInt32LE(2, 28);
  treeOf({ flags: 0x08, ...free }).copy(page, 48);
  treeOf(main).copy(page, 96);
  page.writeUInt32LE(pageSize, 48);
  page.writeBigUInt64LE(BigInt(lastPage), 144);
  page.writeBigUInt64LE(BigInt(transaction), 152);
  return page;
}

/** Writes a file whose newest state is the second meta page, with these pages behind the two. */
export function writeFile(name: string, meta: RawMeta, pages: readonly Buffer[]): void {
  const content = Buffer.concat(pages);
  const lastPage = content.length / PAGE + 1;
  writeFileSync(name, Buffer.concat([metaOf({}), metaOf({ transaction: 2, lastPage, ...meta }), content]));
}
