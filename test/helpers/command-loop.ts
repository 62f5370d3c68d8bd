import { Readable } from 'node:stream';
import { main } from '../../src/cli/program.ts';
import type { Ran } from './command-line.ts';

/*
 * A process that carries out commands of Tidegate, one after the other, as most of what a command costs is to load its
 * modules. Each has variables, a directory and a standard input of its own, and is over where it ends the process.
 */

export interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly input: string;
}

const STREAMS = [process.stdout, process.stderr];
const { argv, env, exit } = process;

process.on('message', (command: Command) => void carryOut(command));
process.once('disconnect', () => exit(0));

async function carryOut({ args, env: variables, cwd, input }: Command): Promise<void> {
  process.chdir(cwd);
  process.env = { ...variables };
  process.argv = [...argv.slice(0, 2), ...args];
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  const printed = STREAMS.map(kept);
  const status = await ended();
  const [stdout = '', stderr = ''] = printed.map((text) => text());
  for (const stream of STREAMS) stream.removeAllListeners('error');
  process.env = env;
  const ran: Ran = { status, stdout, stderr };
  process.send?.(ran);
}

/** Keeps what is written to a stream from now on, until it is asked for. */
function kept(stream: NodeJS.WriteStream): () => string {
  const chunks: Buffer[] = [];
  const { write } = stream;
  stream.write = (chunk: string | Uint8Array, ...more: unknown[]) => {
    chunks.push(Buffer.from(chunk as Uint8Array));
    const done = more.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  return () => {
    stream.write = write;
    return Buffer.concat(chunks).toString();
  };
}

/** Resolves with the exit code. */
function ended(): Promise<number> {
  return new Promise((resolve) => {
    process.exit = ((code: number) => {
      process.exit = exit;
      resolve(code);
    }) as typeof process.exit;
    void main();
  });
}
