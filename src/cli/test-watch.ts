import { spawn } from 'node:child_process';
import { awakeClock } from '../core/clock.ts';
import { testedFiles } from '../testing/cases/run-tests.ts';
import { usedFiles } from '../testing/cases/used-files.ts';
import { FileWatch } from './file-watch.ts';

/**
 * Runs the tests again whenever one of their files changes, until SIGINT or SIGTERM; resolves with the exit code of the last
 * run. Each run is a process of its own, because Node loads a changed plugin only in a new one.
 */
export async function watchTests(names: readonly string[]): Promise<number> {
  let last = 0;
  for (const ending = endOfWatch(); ; ) {
    const files = await filesOf(names);
    let hear = () => {};
    const changed = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const watch = new FileWatch(() => files, hear, awakeClock);
    await watch.begin();
    last = (await Promise.race([runOnce(ending.signal), ending.ended])) ?? last;
    if (!ending.signal.aborted) console.log('\nwaiting for a change of a file; Ctrl-C ends');
    await Promise.race([changed, ending.ended]);
    watch.close();
    if (ending.signal.aborted) return last;
  }
}

async function filesOf(names: readonly string[]): Promise<readonly string[]> {
  const used = await Promise.all((await testedFiles(names)).map((file) => usedFiles(file)));
  return [...new Set([...names, ...used.flat()])];
}

/** Resolves with the exit code; undefined: a signal ended it. */
function runOnce(signal: AbortSignal): Promise<number | undefined> {
  const [program = '', ...words] = process.argv.slice(1).filter((word) => word !== '--watch');
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], { stdio: 'inherit' });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? undefined));
  });
}

/** Resolves at the first signal that ends the program. */
function endOfWatch(): { readonly signal: AbortSignal; readonly ended: Promise<undefined> } {
  const controller = new AbortController();
  const ended = new Promise<undefined>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.once(name, () => {
        controller.abort();
        resolve(undefined);
      });
  });
  return { signal: controller.signal, ended };
}
