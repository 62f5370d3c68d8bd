import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../core/clock.ts';
import { reasonOf, TidegateError } from '../core/errors.ts';
import { fileVersion } from '../core/file-version.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Milliseconds between two looks. */
const INTERVAL = 5_000;
/** Bytes of a file with keys, tokens or names. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** Where it is set, such as auth.users.jwt.key_file. */
  readonly setting: string;
  /** Throws an Error that says what is wrong, and quotes nothing. */
  readonly read: (text: string) => T;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds between two looks. Default 5,000. */
  readonly interval?: number;
  /** Called when there is new content. */
  readonly changed?: () => void;
}

/** What a file holds, read again when it changes. One that cannot be read leaves what was there before in use. */
export class WatchedFile<T> {
  private readonly options: WatchedFileOptions<T>;
  private held: T;
  private version: string;
  private isClosed = false;
  private cancel: () => void = () => {};

  /** Rejects with TG_CONFIG_INVALID where the file cannot be read. */
  static async open<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
    const { path, setting } = options;
    try {
      const version = await fileVersion(path);
      return new WatchedFile(options, await contentOf(options), version);
    } catch (error) {
      throw new TidegateError('TG_CONFIG_INVALID', `${setting}: the file ${path} cannot be used: ${reasonOf(error)}`);
    }
  }

  private constructor(options: WatchedFileOptions<T>, held: T, version: string) {
    this.options = options;
    this.held = held;
    this.version = version;
    this.lookLater();
  }

  get content(): T {
    return this.held;
  }

  close(): void {
    this.isClosed = true;
    this.cancel();
  }

  private lookLater(): void {
    if (this.isClosed) return;
    const { clock, interval = INTERVAL } = this.options;
    this.cancel = clock.after(interval, () => void this.look().then(() => this.lookLater()));
  }

  /** Never rejects. */
  private async look(): Promise<void> {
    const { path, setting, logger, changed } = this.options;
    const version = await fileVersion(path).catch((error: unknown) => `none: ${reasonOf(error)}`);
    if (version === this.version || this.isClosed) return;
    try {
      const content = await contentOf(this.options);
      if (this.isClosed) return;
      this.held = content;
      this.version = version;
      logger.info({ file: path }, `${setting}: the file ${path} was read again`);
      changed?.();
    } catch (error) {
      // A file that is being written is looked at again, and reported only once it stays as it is.
      if ((await fileVersion(path).catch(() => version)) !== version) return;
      this.version = version;
      logger.warn(
        { file: path },
        `${setting}: the file ${path} has changed and cannot be used, so what was in it before stays in use: ${reasonOf(error)}`,
      );
    }
  }
}

async function contentOf<T>({ path, read }: WatchedFileOptions<T>): Promise<T> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and at most ${MAX_BYTES} are read`);
  return read(await readFile(path, 'utf8'));
}
