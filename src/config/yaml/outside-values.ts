import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

/** Bytes that a file or the output of a command may have: a key or a token, and not a disk. */
const MAX_BYTES = 65_536;
/** Milliseconds that a command may take. */
const COMMAND_TIMEOUT = 10_000;

/** `file`: what a file holds; `exec`: what a program prints. */
export type OutsideKind = 'file' | 'exec';

/** Gives the text of a `${file:/path}` or `${exec:/program words}`. Throws an Error that can be shown. */
export type OutsideValues = (kind: OutsideKind, what: string) => string;

/** Reads each file, and runs each command, once. */
export function outsideValues(): OutsideValues {
  const known = new Map<string, string>();
  return (kind, what) => {
    const found = known.get(`${kind} ${what}`);
    if (found !== undefined) return found;
    const text = withoutLineEnd(kind === 'file' ? contentOf(what) : outputOf(what));
    known.set(`${kind} ${what}`, text);
    return text;
  };
}

function contentOf(path: string): string {
  const { code, isFile, size } = statusOf(path);
  if (code === 'ENOENT') throw new Error(`there is no file ${path}`);
  if (code !== undefined) throw new Error(`the file ${path} cannot be read: ${code}`);
  if (!isFile) throw new Error(`${path} is not a file`);
  if (size > MAX_BYTES) throw new Error(`the file ${path} has more than ${MAX_BYTES} bytes`);
  try {
    return textOf(readFileSync(path), `the file ${path}`);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    throw reason === undefined ? error : new Error(`the file ${path} cannot be read: ${reason}`);
  }
}

function statusOf(path: string) {
  try {
    const status = statSync(path);
    return { code: undefined, isFile: status.isFile(), size: status.size };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code, isFile: false, size: 0 };
  }
}

/** Words are separated by blanks. No shell reads them, so that nothing in them is run or replaced. */
function outputOf(command: string): string {
  const [program = '', ...words] = command.trim().split(/\s+/);
  let output: Buffer;
  try {
    output = execFileSync(program, words, {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: COMMAND_TIMEOUT,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_BYTES,
    });
  } catch (error) {
    throw new Error(`the command ${program} ${failureOf(error as Failure)}`);
  }
  return textOf(output, `the output of ${program}`);
}

type Failure = NodeJS.ErrnoException & { readonly status?: number | null; readonly signal?: string | null };

function failureOf({ code, status, signal }: Failure): string {
  if (code === 'ENOENT') return 'is not there';
  if (code === 'EACCES') return 'may not be run';
  if (code === 'ETIMEDOUT') return `took more than ${COMMAND_TIMEOUT} ms`;
  if (code === 'ENOBUFS') return `printed more than ${MAX_BYTES} bytes`;
  return typeof status === 'number' ? `ended with exit code ${status}` : `was ended by ${signal ?? code}`;
}

function textOf(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${what} is not UTF-8 text`);
  }
}

/** Editors and commands end a text with a line break, which is no part of a password. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
