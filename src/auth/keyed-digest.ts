import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Of this process alone: who does not know it learns nothing from how long it takes to compare two digests. */
const KEY = randomBytes(32);

/** Stands for a secret where it is looked up, compared or remembered. */
export function digestOf(secret: string): Buffer {
  return createHmac('sha256', KEY).update(secret).digest();
}

/** Takes the same time whatever the two have in common, and whatever their lengths are. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other));
}
