import { type ExecFileOptions, execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { RemoteAuth } from '../../core/remote.ts';
import { isSendableToken } from '../../sdk/handshake.ts';

/** Bytes that a command may print. */
const MAX_OUTPUT = 65_536;

/**
 * The token of the moment, without white space around it; undefined where `token` is empty, as a variable that is not set
 * leaves it. Rejects with an Error that says what to do and shows nothing
 * of the token or of what the command printed: that may be secret, too.
 */
export async function readToken(
  { token, token_file, token_command }: RemoteAuth,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (token === '') return undefined;
  if (token !== undefined) return checked(token, 'auth.token');
  if (token_file !== undefined) return checked(await fileContent(token_file), `auth.token_file ${token_file}`);
  return checked(await output(token_command ?? '', signal), 'what auth.token_command printed');
}

async function fileContent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`auth.token_file cannot be read: ${(error as Error).message}`);
  }
}

function output(command: string | readonly string[], signal: AbortSignal): Promise<string> {
  const [file, ...words] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const options: ExecFileOptions = { signal, maxBuffer: MAX_OUTPUT, encoding: 'utf8' };
  return new Promise((resolve, reject) => {
    const child = execFile(file ?? '', words, options, (error, stdout) => {
      if (error === null) resolve(String(stdout));
      else reject(new Error(`auth.token_command ${failure(error)}; run it by hand to see why`));
    });
    // It has no input.
    child.stdin?.end();
  });
}

function failure({ code, signal }: { code?: unknown; signal?: unknown }): string {
  if (typeof code === 'number') return `ended with ${code}`;
  return typeof signal === 'string' ? `was ended by ${signal}` : `failed with ${String(code)}`;
}

function checked(text: string, what: string): string {
  const token = text.trim();
  if (token === '') throw new Error(`${what} is empty`);
  if (!isSendableToken(token)) throw new Error(`${what} has characters that a header cannot carry`);
  return token;
}
