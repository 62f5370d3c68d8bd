import { createHash } from 'node:crypto';

/** One of several parts of a list of symbols: `number` from 1 to `of`. */
export interface ShardShare {
  readonly number: number;
  readonly of: number;
}

/**
 * Whether a symbol is in this part. It depends on the symbol alone: others that come and go change nothing, and if `of`
 * grows, symbols move to the new parts only (rendezvous hashing).
 */
export function isInShare(symbol: string, { number, of }: ShardShare): boolean {
  if (of === 1) return true;
  let best = 0;
  let highest = '';
  for (let part = 1; part <= of; part += 1) {
    const weight = createHash('md5').update(`${part} ${symbol}`).digest('hex');
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
