import { WatchedFile, type WatchedFileOptions } from '../sdk/watched-file.ts';
import type { JwtSettings } from './settings.ts';
import { keysOfJwks, publicKeyOf, secretKeyFor, type VerificationKey } from './verification-key.ts';

export type KeySet = readonly VerificationKey[];

/** Thrown where no token can be checked at the moment. */
export class KeysUnavailable extends Error {}

/** The keys of an entry of `auth`. */
export interface KeySource {
  /** Those that are known now. Rejects with KeysUnavailable. */
  current(): KeySet | Promise<KeySet>;
  /**
   * Newer ones than these, in which a key was missing; undefined where these were asked for after `since`, a moment of Clock.elapsed.
   * Rejects with KeysUnavailable.
   */
  after(keys: KeySet, since: number): Promise<KeySet | undefined>;
  close(): void;
}

/** Keys that are in the configuration. */
export class InlineKeys implements KeySource {
  private readonly keys: KeySet;

  constructor(keys: KeySet) {
    this.keys = keys;
  }

  current(): KeySet {
    return this.keys;
  }

  async after(): Promise<undefined> {}

  close(): void {}
}

/** Keys in a file, which is read again when it changes. */
export class FileKeys implements KeySource {
  private readonly file: WatchedFile<KeySet>;

  /** Rejects with TG_CONFIG_INVALID. */
  static async open(options: WatchedFileOptions<KeySet>): Promise<FileKeys> {
    return new FileKeys(await WatchedFile.open(options));
  }

  private constructor(file: WatchedFile<KeySet>) {
    this.file = file;
  }

  current(): KeySet {
    return this.file.content;
  }

  async after(keys: KeySet): Promise<KeySet | undefined> {
    return this.file.content === keys ? undefined : this.file.content;
  }

  close(): void {
    this.file.close();
  }
}

/** Keys that need no file and no server; undefined where the settings name one of those. Throws an Error that quotes nothing. */
export function inlineKeys({ secret, key, keys, algorithms }: JwtSettings): InlineKeys | undefined {
  if (secret !== undefined) return new InlineKeys([{ key: secretKeyFor(secret, algorithms) }]);
  if (key !== undefined) return new InlineKeys([{ key: publicKeyOf(key) }]);
  if (keys === undefined) return undefined;
  return new InlineKeys(Object.entries(keys).map(([id, pem]) => ({ id, key: publicKeyOf(pem) })));
}

/** Keys in `key_file` or `jwks_file`. */
export function fileKeys(
  { key_file, jwks_file, algorithms }: JwtSettings,
  path: string,
  context: Pick<WatchedFileOptions<KeySet>, 'clock' | 'logger'>,
): Promise<FileKeys> | undefined {
  if (key_file !== undefined) {
    const read = (text: string) => [{ key: publicKeyOf(text) }];
    return FileKeys.open({ ...context, path: key_file, setting: `${path}.key_file`, read });
  }
  if (jwks_file === undefined) return undefined;
  const read = (text: string) => keysOfJwks(text, algorithms);
  return FileKeys.open({ ...context, path: jwks_file, setting: `${path}.jwks_file`, read });
}
