import { type ExecFileOptions, execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isSendableToken } from '../sdk/handshake.ts';

/*
 * Tokens that others make. Errors say what to do and show nothing of a token or of what a command printed: that may be secret, too.
 * `setting` is the name of the setting in them.
 */

/** Bytes that a command may print. */
const MAX_OUTPUT = 65_536;

export async function tokenOfFile(path: string, setting: string): Promise<string> {
  return checkedToken(await fileContent(path, setting), `${setting} ${path}`);
}

/** Text is run by the shell, a list without a shell. */
export async function tokenOfCommand(
  command: string | readonly string[],
  setting: string,
  signal: AbortSignal,
): Promise<string> {
  return checkedToken(await output(command, setting, signal), `what ${setting} printed`);
}

/** The token without white space around it. Throws an Error where it cannot be sent. */
export function checkedToken(text: string, what: string): string {
  const token = text.trim();
  if (token === '') throw new Error(`${what} is empty`);
  if (!isSendableToken(token)) throw new Error(`${what} has characters that a header cannot carry`);
  return token;
}

async function fileContent(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${setting} cannot be read: ${(error as Error).message}`);
  }
}

function output(command: string | readonly string[], setting: string, signal: AbortSignal): Promise<string> {
  const [file, ...words] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const options: ExecFileOptions = { signal, maxBuffer: MAX_OUTPUT, encoding: 'utf8' };
  return new Promise((resolve, reject) => {
    const child = execFile(file ?? '', words, options, (error, stdout) => {
      if (error === null) resolve(String(stdout));
      else reject(new Error(`${setting} ${failure(error)}; run it by hand to see why`));
    });
    // It has no input.
    child.stdin?.end();
  });
}

function failure({ code, signal }: { code?: unknown; signal?: unknown }): string {
  if (typeof code === 'number') return `ended with ${code}`;
  return typeof signal === 'string' ? `was ended by ${signal}` : `failed with ${String(code)}`;
}
