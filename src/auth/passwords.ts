import { timingSafeEqual } from 'node:crypto';
import { ownEntry } from '../core/own-entry.ts';
import { digestOf, isSameSecret } from './keyed-digest.ts';
import { isHash, isPassword, makeHash, readHash, type ScryptHash } from './scrypt-hash.ts';

/** Hashes that wait to be computed. Each takes memory and a tenth of a second, and anyone can ask for one. */
const MAX_WAITING = 16;

/** Users with a password, which is known itself or by its hash. */
export class Passwords {
  private readonly users: Readonly<Record<string, string | ScryptHash>>;
  /** Digests of passwords that were right, by user: a client sends its password with each request. */
  private readonly proven = new Map<string, Buffer>();
  /** What a user that there is not is compared with, so that the time does not tell which users there are. */
  private readonly decoy: Promise<ScryptHash> | undefined;
  private waiting = 0;
  private turn: Promise<unknown> = Promise.resolve();

  /** Throws an Error for a hash that is none. */
  constructor(users: Readonly<Record<string, string>>) {
    this.users = Object.fromEntries(
      Object.entries(users).map(([user, text]) => [user, isHash(text) ? readHash(text) : text]),
    );
    if (Object.values(users).some(isHash)) this.decoy = makeHash('decoy').then(readHash);
  }

  /** `busy` where too many wait. */
  async check(user: string, password: string): Promise<'right' | 'wrong' | 'busy'> {
    const known = ownEntry(this.users, user);
    if (typeof known === 'string') return isSameSecret(known, password) ? 'right' : 'wrong';
    const hash = known ?? (await this.decoy);
    if (hash === undefined) return 'wrong';
    const digest = digestOf(password);
    const proven = this.proven.get(user);
    if (proven !== undefined && timingSafeEqual(proven, digest)) return 'right';
    if (this.waiting >= MAX_WAITING) return 'busy';
    const isRight = await this.inTurn(() => isPassword(password, hash));
    if (!isRight || known === undefined) return 'wrong';
    this.proven.set(user, digest);
    return 'right';
  }

  /** One at a time: the threads that compute them are those that read files and check signatures. */
  private async inTurn(compute: () => Promise<boolean>): Promise<boolean> {
    this.waiting += 1;
    const mine = this.turn.then(compute);
    this.turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.waiting -= 1;
    }
  }
}
