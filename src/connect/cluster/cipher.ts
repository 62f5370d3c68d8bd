import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
/** Bytes of the nonce and of the tag (NIST SP 800-38D 5.2.1). */
const NONCE = 12;
const TAG = 16;

/** A text as it is kept at rest: `KEY:DATA`, with the id of its key, and nonce, tag and encrypted text as base64. */
export interface Sealed {
  readonly encrypted: string;
}

/**
 * Encrypts texts with AES-256-GCM under the first of the operator's keys, and decrypts what any of them has encrypted. A text
 * belongs to the place that it was encrypted for: moved to another one it cannot be decrypted.
 */
export class Cipher {
  private readonly keys: ReadonlyMap<string, Buffer>;
  private readonly first: string | undefined;

  /** 32 bytes each. Without any, texts stay as they are. */
  constructor(keys: readonly Buffer[] = []) {
    this.keys = new Map(keys.map((key) => [idOf(key), key]));
    [this.first] = this.keys.keys();
  }

  /** The text itself if there is no key. */
  seal(text: string, place: string): Sealed | string {
    const { first } = this;
    const key = first === undefined ? undefined : this.keys.get(first);
    if (key === undefined) return text;
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(place));
    const parts = [nonce, cipher.update(text, 'utf8'), cipher.final()];
    return { encrypted: `${first}:${Buffer.concat([...parts, cipher.getAuthTag()]).toString('base64')}` };
  }

  /** undefined if none of the keys has encrypted this for that place. */
  open(sealed: Sealed | string, place: string): string | undefined {
    if (typeof sealed === 'string') return sealed;
    const [, data = ''] = sealed.encrypted.split(':');
    const key = this.keys.get(keyIdOf(sealed));
    const bytes = Buffer.from(data, 'base64');
    if (key === undefined || bytes.length < NONCE + TAG) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(-TAG));
    try {
      return decipher.update(bytes.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  /** Whether it is stored as `seal` would store it now. */
  isCurrent(kept: Sealed | string): boolean {
    return this.first === undefined || (typeof kept === 'object' && keyIdOf(kept) === this.first);
  }

  /** Why something cannot be decrypted, and what to do. */
  whyNot(sealed: Sealed): string {
    const id = keyIdOf(sealed);
    if (this.keys.has(id)) return `was encrypted for another place or is damaged (key ${id}); write it again`;
    const own = this.keys.size === 0 ? 'no key' : `only the keys ${[...this.keys.keys()].join(', ')}`;
    return `is encrypted with the key ${id}, and connect.secret_key of this gateway has ${own}; set the keys of the other gateways`;
  }
}

export function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Sealed>).encrypted === 'string';
}

/** Distinguishes keys without revealing anything about them. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('tidegate connect.secret_key').update(key).digest('hex').slice(0, 8);
}

function keyIdOf({ encrypted }: Sealed): string {
  return encrypted.slice(0, Math.max(0, encrypted.indexOf(':')));
}
