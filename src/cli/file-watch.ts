import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/**
 * Watches files until `close`. Their directories are watched, because most editors put a new file in the place of the old
 * one, which a watch of the file itself would not see; a file that is not there yet is so watched, too.
 */
export class FileWatch {
  /** Resolves once a file has changed and `quiet` milliseconds went by without a further change. */
  readonly changed: Promise<void>;
  private readonly watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(files: Iterable<string>, quiet: number) {
    const names = new Map<string, Set<string>>();
    for (const file of files) {
      const path = resolve(file);
      names.set(dirname(path), (names.get(dirname(path)) ?? new Set()).add(basename(path)));
    }
    this.changed = new Promise((resolve) => {
      const hear = () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(resolve, quiet);
      };
      for (const [directory, wanted] of names) this.watch(directory, wanted, hear);
    });
  }

  close(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers) watcher.close();
  }

  private watch(directory: string, wanted: ReadonlySet<string>, hear: () => void): void {
    try {
      const watcher = watch(directory, (_, name) => {
        if (name === null || wanted.has(name)) hear();
      });
      // The directory may be removed while it is watched; what is left goes on.
      watcher.on('error', () => watcher.close());
      this.watchers.push(watcher);
    } catch {
      // A file of a directory that is not there cannot change; the run has said so.
    }
  }
}
