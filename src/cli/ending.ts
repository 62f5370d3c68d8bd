import { endProcess } from '../core/process-end.ts';
import { allowClosedReaders, drained } from './drain.ts';

const OUTPUT = [process.stdout, process.stderr];

/** Milliseconds that a gateway which has stopped waits for a reader of its output that reads nothing. */
const OUTPUT_TIMEOUT = 5_000;

/** Runs a command that prints something and ends: its readers may close their end of a pipe. Ends the process with its exit code. */
export function endingWith(command: () => Promise<number>): Promise<void> {
  allowClosedReaders(OUTPUT);
  return ending(command);
}

/** Runs a command that lasts until a signal, and ends the process with what it returns. */
export function endingAtSignal(command: () => Promise<number>): Promise<void> {
  return ending(command, OUTPUT_TIMEOUT);
}

/** Ends the process with what a command returns. */
async function ending(command: () => Promise<number>, timeout?: number): Promise<void> {
  let code = 1;
  try {
    code = await command();
  } catch (error) {
    const { describeFailure } = await import('./report.ts');
    // Not by `console`, which `run` has turned into lines of the log.
    process.stderr.write(`${describeFailure(error, process.env)}\n`);
  }
  await end(code, timeout);
}

/** Once everything that was printed is out. */
export async function end(code: number, timeout?: number): Promise<void> {
  await drained(OUTPUT, timeout);
  setImmediate(() => void endProcess(code));
}
