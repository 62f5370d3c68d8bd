import type { Clock } from '../core/clock.ts';
import { fileVersion } from '../core/file-version.ts';

/** Milliseconds between two looks. A file counts as changed when two looks in a row found it the same: it may be being written. */
const LOOK = 250;

/** Calls `changed` when a file is not what it was. It looks again and again: not every file system reports changes. */
export class FileWatch {
  private readonly files: () => readonly string[];
  private readonly changed: () => void;
  private readonly clock: Pick<Clock, 'after'>;
  private cancel: () => void = () => {};
  private isClosed = false;
  /** As they were when `changed` was called last. */
  private known: string | undefined;
  private lastSeen: string | undefined;

  /** `files` is asked for at each look. */
  constructor(files: () => readonly string[], changed: () => void, clock: Pick<Clock, 'after'>) {
    this.files = files;
    this.changed = changed;
    this.clock = clock;
  }

  /** Resolves once the files are known as they are now. */
  async begin(): Promise<void> {
    this.known = await versionOf(this.files());
    this.lastSeen = this.known;
    this.lookLater();
  }

  close(): void {
    this.isClosed = true;
    this.cancel();
  }

  private lookLater(): void {
    if (this.isClosed) return;
    this.cancel = this.clock.after(LOOK, () => void this.look().then(() => this.lookLater()));
  }

  private async look(): Promise<void> {
    const version = await versionOf(this.files());
    const isSettled = version === this.lastSeen;
    this.lastSeen = version;
    if (!isSettled || version === this.known || this.isClosed) return;
    this.known = version;
    this.changed();
  }
}

/** Never rejects: a file that is not there is a version, too. */
async function versionOf(files: readonly string[]): Promise<string> {
  const versions = files.map(async (file) => `${file} ${await fileVersion(file).catch(() => 'none')}`);
  return (await Promise.all(versions)).join('\n');
}
