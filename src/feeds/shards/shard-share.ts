/** One of several parts of a list of symbols: `number` from 1 to `of`. */
export interface ShardShare {
  readonly number: number;
  readonly of: number;
}

/**
 * Whether a symbol is in this part. It depends on the symbol alone: others that come and go change nothing, and if `of`
 * grows, symbols move to the new parts only (rendezvous hashing). Gateways must agree, so a change here moves symbols.
 */
export function isInShare(symbol: string, { number, of }: ShardShare): boolean {
  const seed = hashOf(symbol);
  let best = 0;
  let highest = -1;
  for (let part = 1; part <= of; part += 1) {
    const weight = mixed(seed ^ Math.imul(part, 0x9e3779b1));
    if (weight <= highest) continue;
    highest = weight;
    best = part;
  }
  return best === number;
}

/** Begins the names of what belongs to a part. Without the number of parts: what stays in its part keeps its cursor. */
export function partOf(share: ShardShare | undefined): string {
  return share === undefined ? '' : `part ${share.number} `;
}

/** FNV-1a. A list is looked through once for each part of it, for which a cryptographic hash takes 100 times as long. */
function hashOf(symbol: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < symbol.length; at += 1) hash = Math.imul(hash ^ symbol.charCodeAt(at), 0x01000193);
  return hash;
}

/** The last step of MurmurHash3: each bit depends on all bits. From 0 to 2^32 - 1. */
function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
