import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

/*
 * The file of LMDB (lmdb.h, MDB_DATA_VERSION 2), as far as it has to be known before LMDB maps it into memory: there, a
 * reference that leads out of the file, or to what is not a page, ends the process by a signal.
 */
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
/** Header of every page: number, transaction, a pad, flags, and the bounds of its free space. */
export const PAGE_HEADER = 24;
/** Where its flags are. */
export const FLAGS_AT = 18;
const META_FLAG = 0x08;
const META_BYTES = 168;
const SMALLEST_PAGE = 256;
const LARGEST_PAGE = 65_536;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const FREE_TREE_AT = 48;
const MAIN_TREE_AT = 96;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
/** Offsets in the description of a tree. */
const TREE_FLAGS_AT = 4;
const TREE_DEPTH_AT = 6;
const TREE_ENTRIES_AT = 32;
const TREE_ROOT_AT = 40;
export const TREE_BYTES = 48;

/** A tree of pages, as the meta page or a node describes it. */
export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly entries: number;
  /** Number of its root page; undefined where it is empty. */
  readonly root: number | undefined;
}

/** The state of the newest transaction. */
export interface Meta {
  readonly pageSize: number;
  /** The highest page that was ever given out; the file may be shorter where the last ones are free. */
  readonly lastPage: number;
  /** The tree of free pages. */
  readonly free: Tree;
  /** The tree of the tables. */
  readonly main: Tree;
  /** Which of the two meta pages it is. */
  readonly at: number;
}

/** Says what is wrong with the file as a whole. */
export class FileDamage extends Error {}

/** The log's file, read page by page. LMDB must not have it open. */
export class DataFile {
  readonly bytes: number;
  readonly meta: Meta;
  private readonly descriptor: number;

  /** Throws FileDamage where it is not a file of LMDB, or its newest state cannot be determined. */
  constructor(path: string, mode: 'read' | 'repair') {
    this.descriptor = openSync(path, mode === 'read' ? 'r' : 'r+');
    try {
      this.bytes = fstatSync(this.descriptor).size;
      this.meta = this.newestMeta();
    } catch (error) {
      closeSync(this.descriptor);
      throw error;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** Throws FileDamage where the file ends before the page does. */
  page(number: number, count = 1): Buffer {
    const { pageSize } = this.meta;
    return this.read(number * pageSize, count * pageSize);
  }

  holds(number: number, count = 1): boolean {
    return number >= 2 && (number + count) * this.meta.pageSize <= this.bytes;
  }

  write(number: number, page: Buffer): void {
    writeSync(this.descriptor, page, 0, page.length, number * this.meta.pageSize);
    fsyncSync(this.descriptor);
  }

  /** Gives up what is known of free pages: their space is not used again. */
  emptyFreeTree(): void {
    const { at, pageSize } = this.meta;
    const page = this.read(at * pageSize, pageSize);
    page.fill(0, FREE_TREE_AT + TREE_DEPTH_AT, FREE_TREE_AT + TREE_BYTES);
    page.writeBigUInt64LE(NO_PAGE, FREE_TREE_AT + TREE_ROOT_AT);
    this.write(at, page);
  }

  private newestMeta(): Meta {
    const first = this.metaPage(0);
    const pageSize = first.readUInt32LE(FREE_TREE_AT);
    if (pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE || (pageSize & (pageSize - 1)) !== 0)
      throw new FileDamage(`its pages cannot be of ${pageSize} bytes`);
    const second = this.metaPage(pageSize);
    const isSecond = second.readBigUInt64LE(TRANSACTION_AT) > first.readBigUInt64LE(TRANSACTION_AT);
    const newest = isSecond ? second : first;
    if (newest.readUInt32LE(FREE_TREE_AT) !== pageSize)
      throw new FileDamage('its two meta pages contradict each other');
    return {
      pageSize,
      lastPage: Number(newest.readBigUInt64LE(LAST_PAGE_AT)),
      free: readTree(newest, FREE_TREE_AT),
      main: readTree(newest, MAIN_TREE_AT),
      at: isSecond ? 1 : 0,
    };
  }

  private metaPage(at: number): Buffer {
    const page = this.read(at, META_BYTES);
    const isMeta = (page.readUInt16LE(FLAGS_AT) & META_FLAG) !== 0;
    if (!isMeta || page.readUInt32LE(PAGE_HEADER) !== MAGIC) throw new FileDamage('it is not a file of LMDB');
    const version = page.readUInt32LE(PAGE_HEADER + 4) & 0xffff;
    if (version !== DATA_VERSION)
      throw new FileDamage(`it has version ${version} of LMDB's format, not ${DATA_VERSION}`);
    return page;
  }

  private read(at: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    if (readSync(this.descriptor, buffer, 0, length, at) < length)
      throw new FileDamage(`it ends after ${this.bytes} bytes, where ${at + length} are needed`);
    return buffer;
  }
}

/** The description of a tree, which a buffer holds from `at` on. */
export function readTree(buffer: Buffer, at: number): Tree {
  const root = buffer.readBigUInt64LE(at + TREE_ROOT_AT);
  return {
    flags: buffer.readUInt16LE(at + TREE_FLAGS_AT),
    depth: buffer.readUInt16LE(at + TREE_DEPTH_AT),
    entries: Number(buffer.readBigUInt64LE(at + TREE_ENTRIES_AT)),
    root: root === NO_PAGE ? undefined : Number(root),
  };
}
