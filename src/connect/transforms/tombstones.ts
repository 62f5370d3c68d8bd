import type { Meta } from '../../sdk/index.ts';

/** The facts about messages with and without a value: one object for all messages that have them in common. */
export class Tombstones {
  private readonly opposites = new WeakMap<Meta, Meta>();

  metaOf(meta: Meta, isTombstone: boolean): Meta {
    if ((meta.tombstone === true) === isTombstone) return meta;
    const known = this.opposites.get(meta);
    if (known !== undefined) return known;
    const opposite = { ...meta, tombstone: isTombstone };
    this.opposites.set(meta, opposite);
    return opposite;
  }
}
