const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/**
 * MurmurHash2 (32 bit, Kafka's seed) as a signed integer, so that a key lands in the partition that Kafka's own
 * Java client would choose. Equal to `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export function murmur2(key: Buffer): number {
  const { length } = key;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k = key.readInt32LE(at);
    k = Math.imul(k, M);
    k ^= k >>> R;
    k = Math.imul(k, M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = length - at;
  if (rest >= 3) hash ^= (key[at + 2] as number) << 16;
  if (rest >= 2) hash ^= (key[at + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (key[at] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key, as Kafka's default partitioner chooses it: 0 <= partition < partitions. */
export function partitionOfKey(key: string | Buffer, partitions: number): number {
  return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;
}
