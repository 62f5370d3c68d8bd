/** Up to so many different values are kept as they are and counted exactly. */
const MAX_EXACT = 64;
/** 2^12 registers of one byte: a standard error of 1.04 / sqrt(4096) = 1.6 %. */
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/**
 * Counts different texts: a few exactly, many by HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, 2007) with linear
 * counting for small numbers. The hash has no seed, so that state which is rebuilt elsewhere gives the same number.
 */
export class DistinctCount {
  private exact: Set<string> | undefined = new Set();
  private registers: Uint8Array | undefined;
  private exactBytes = 0;

  get bytes(): number {
    return this.registers === undefined ? this.exactBytes : REGISTERS;
  }

  get estimate(): number {
    const { exact, registers } = this;
    if (registers === undefined) return exact?.size ?? 0;
    let sum = 0;
    let empty = 0;
    for (const rank of registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty += 1;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    const isSmall = raw <= 2.5 * REGISTERS && empty > 0;
    return Math.round(isSmall ? REGISTERS * Math.log(REGISTERS / empty) : raw);
  }

  add(text: string): void {
    const { exact } = this;
    if (exact === undefined) {
      this.note(text);
      return;
    }
    if (exact.has(text)) return;
    exact.add(text);
    this.exactBytes += 48 + text.length;
    if (exact.size > MAX_EXACT) this.estimateFromNow(exact);
  }

  merge(other: DistinctCount): void {
    if (other.exact !== undefined) {
      for (const text of other.exact) this.add(text);
      return;
    }
    if (this.exact !== undefined) this.estimateFromNow(this.exact);
    const { registers } = this;
    if (registers === undefined) return;
    for (const [index, rank] of (other.registers ?? []).entries())
      if (rank > (registers[index] ?? 0)) registers[index] = rank;
  }

  private estimateFromNow(exact: ReadonlySet<string>): void {
    this.exact = undefined;
    this.registers = new Uint8Array(REGISTERS);
    for (const text of exact) this.note(text);
  }

  private note(text: string): void {
    const { registers } = this;
    if (registers === undefined) return;
    const index = hash(text, 0x9747b28c) & (REGISTERS - 1);
    const rank = Math.clz32(hash(text, 0x1b873593)) + 1;
    if (rank > (registers[index] as number)) registers[index] = rank;
  }
}

/** FNV-1a over the UTF-16 units, then the finalizer of MurmurHash3, which spreads it over all 32 bits. */
function hash(text: string, seed: number): number {
  let h = seed;
  for (let at = 0; at < text.length; at += 1) h = Math.imul(h ^ text.charCodeAt(at), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
