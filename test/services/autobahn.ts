import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What one case of the Autobahn test suite saw. */
export interface Verdict {
  /** What the server did with the frames. */
  readonly behavior: Behavior;
  /** How it closed. */
  readonly behaviorClose: Behavior;
}

/** As Autobahn has them. NON-STRICT: conforming, though not in the order that a strict server keeps. */
export type Behavior = 'OK' | 'NON-STRICT' | 'INFORMATIONAL' | 'UNIMPLEMENTED' | 'WRONG CODE' | 'UNCLEAN' | 'FAILED';

const AGENT = 'tidegate';

/** WSTEST_BIN, as scripts/autobahn.sh prints it. */
export const WSTEST = process.env.WSTEST_BIN;

/** Runs cases such as `1.*` against a server that sends every message back; the verdicts by the number of the case. */
export async function runAutobahn(url: string, cases: readonly string[]): Promise<ReadonlyMap<string, Verdict>> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-autobahn-'));
  try {
    const spec = join(folder, 'spec.json');
    const servers = [{ agent: AGENT, url }];
    writeFileSync(
      spec,
      JSON.stringify({ outdir: folder, servers, cases, 'exclude-cases': [], 'exclude-agent-cases': {} }),
    );
    await promisify(execFile)(WSTEST ?? 'wstest', ['-m', 'fuzzingclient', '-s', spec], { cwd: folder });
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Record<string, object>;
    return new Map(Object.entries(index[AGENT] ?? {}));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
