import { type FlatConfig, HIDDEN, secretKeys } from '../settings/index.ts';
import { Cipher, isSealed, type Sealed } from './cipher.ts';

/** Settings as the topic of configs has them: those with a secret may be encrypted. */
export type StoredConfig = Readonly<Record<string, string | null | Sealed>>;

const NOTHING: ReadonlyMap<string, Sealed> = new Map();

/**
 * Encrypts those settings of connectors whose secrets the API hides, as a whole, and decrypts them. What none of the keys
 * here has encrypted is HIDDEN in the settings that are read, and is written again as it was.
 */
export class ConfigSeal {
  private readonly cipher: Cipher;
  /** What could not be decrypted in settings that were read, by name. */
  private readonly kept = new WeakMap<FlatConfig, ReadonlyMap<string, Sealed>>();

  constructor(cipher = new Cipher()) {
    this.cipher = cipher;
  }

  seal(connector: string, config: FlatConfig): StoredConfig {
    const secrets = secretKeys(config);
    const kept = this.keptOf(config);
    const entries = Object.entries(config).map(([key, text]) => {
      const sealed =
        kept.get(key) ?? (text !== null && secrets.has(key) ? this.cipher.seal(text, place(connector, key)) : text);
      return [key, sealed] as const;
    });
    return Object.fromEntries(entries);
  }

  open(connector: string, stored: StoredConfig): FlatConfig {
    const kept = new Map<string, Sealed>();
    const entries = Object.entries(stored).map(([key, value]) => {
      if (!isSealed(value)) return [key, value] as const;
      const text = this.cipher.open(value, place(connector, key));
      if (text === undefined) kept.set(key, value);
      return [key, text ?? HIDDEN] as const;
    });
    const config = Object.fromEntries(entries);
    if (kept.size > 0) this.kept.set(config, kept);
    return config;
  }

  /** Whether both are the same settings for sure. */
  isSame(one: FlatConfig, other: FlatConfig): boolean {
    if (one === other) return true;
    const keys = Object.keys(one);
    const isReadable = this.keptOf(one).size === 0 && this.keptOf(other).size === 0;
    return isReadable && keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
  }

  /** Whether all secrets are kept as `seal` would keep them now, those aside that nothing here can decrypt. */
  isCurrent(config: FlatConfig, stored: StoredConfig): boolean {
    const kept = this.keptOf(config);
    return [...secretKeys(config)].every((key) => kept.has(key) || this.cipher.isCurrent(stored[key] ?? ''));
  }

  /** Which setting cannot be decrypted here, why, and what to do; undefined if all can. */
  unreadable(config: FlatConfig): string | undefined {
    const [first] = this.keptOf(config);
    return first === undefined ? undefined : `${first[0]} ${this.cipher.whyNot(first[1])}`;
  }

  private keptOf(config: FlatConfig): ReadonlyMap<string, Sealed> {
    return this.kept.get(config) ?? NOTHING;
  }
}

function place(connector: string, key: string): string {
  return JSON.stringify(['connector', connector, key]);
}
