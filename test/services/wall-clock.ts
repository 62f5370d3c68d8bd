import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { missingService } from './missing.ts';

/** The clock of a process, which can be set while it runs. Time goes on evenly for its timers, as on a real machine. */
export interface WallClock {
  /** The process gets these. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts it so many minutes ahead of the clock of all others, or behind it. */
  set(minutes: number): void;
}

/** libfaketime, of Debian's package `faketime`. A test that cannot have it is skipped. */
export function requireWallClock(t: TestContext): WallClock | undefined {
  const library = findLibrary();
  if (library === undefined) return missingService(t, 'libfaketime', 'install faketime');
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'offset');
  const set = (minutes: number) => writeFileSync(file, `${minutes < 0 ? '' : '+'}${minutes}m\n`);
  set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
  return { env, set };
}

function findLibrary(): string | undefined {
  for (const folder of ['/usr/lib', '/usr/lib64', '/usr/local/lib']) {
    if (!existsSync(folder)) continue;
    for (const inner of ['.', ...readdirSync(folder)]) {
      const file = join(folder, inner, 'faketime', 'libfaketime.so.1');
      if (existsSync(file)) return file;
    }
  }
  return undefined;
}
