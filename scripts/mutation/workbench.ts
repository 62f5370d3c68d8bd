import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a function or block of a module ran, as V8 counts it; the innermost range holds. */
interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** A test file without a mistake: how long it takes, and what of which module it runs. */
export class Baseline {
  readonly file: string;
  readonly milliseconds: number;
  readonly passes: boolean;
  private readonly ranges: ReadonlyMap<string, readonly (readonly Range[])[]>;

  constructor(file: string, milliseconds: number, passes: boolean, ranges: Baseline['ranges']) {
    this.file = file;
    this.milliseconds = milliseconds;
    this.passes = passes;
    this.ranges = ranges;
  }

  /** Whether one of its processes ran what stands at this offset of a compiled module. */
  reaches(module: string, offset: number): boolean {
    return (this.ranges.get(module) ?? []).some((ranges) => countAt(ranges, offset) > 0);
  }
}

function countAt(ranges: readonly Range[], offset: number): number {
  let inner: Range | undefined;
  for (const range of ranges) {
    if (offset < range.startOffset || offset >= range.endOffset) continue;
    if (inner === undefined || range.endOffset - range.startOffset <= inner.endOffset - inner.startOffset)
      inner = range;
  }
  return inner?.count ?? 0;
}

/** A copy of what is compiled, where mistakes are made and tests run; everything else is the repository's own. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidegate-mutate-'));

  constructor() {
    for (const name of readdirSync('.')) {
      if (name === 'dist') cpSync(name, join(this.folder, name), { recursive: true });
      else if (name !== '.git') symlinkSync(resolve(name), join(this.folder, name));
    }
  }

  async baseline(file: string): Promise<Baseline> {
    const output = mkdtempSync(join(tmpdir(), 'tidegate-coverage-'));
    const began = Date.now();
    const passes = await this.passes(file, 300_000, { NODE_V8_COVERAGE: output });
    const milliseconds = Date.now() - began;
    const ranges = new Map<string, Range[][]>();
    const prefix = `file://${this.folder}/`;
    for (const name of readdirSync(output)) {
      const { result } = JSON.parse(readFileSync(join(output, name), 'utf8')) as {
        result: { url: string; functions: { ranges: Range[] }[] }[];
      };
      for (const { url, functions } of result) {
        if (!url.startsWith(prefix)) continue;
        const module = url.slice(prefix.length);
        ranges.set(module, [...(ranges.get(module) ?? []), functions.flatMap((one) => one.ranges)]);
      }
    }
    rmSync(output, { recursive: true });
    return new Baseline(file, milliseconds, passes, ranges);
  }

  /** Whether one of these test files fails, or takes far too long, with this text for a module. */
  async kills(module: string, text: string, tests: readonly Baseline[]): Promise<boolean> {
    const path = join(this.folder, module);
    const original = readFileSync(path);
    writeFileSync(path, text);
    try {
      for (const { file, milliseconds } of tests) {
        if (!(await this.passes(file, milliseconds * 4 + 10_000))) return true;
      }
      return false;
    } finally {
      writeFileSync(path, original);
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async passes(file: string, timeout: number, env: Record<string, string> = {}): Promise<boolean> {
    const reporter = `--test-reporter=${join(this.folder, 'dist/scripts/mutation/bail.js')}`;
    const child = spawn(process.execPath, ['--test-force-exit', reporter, '--test-reporter-destination=stdout', file], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: 'ignore',
      // With what it starts in a group of its own, which ends with it.
      detached: true,
    });
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // They have ended already.
      }
    };
    const timer = setTimeout(end, timeout);
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    end();
    return code === 0;
  }
}
