import { readFile } from 'node:fs/promises';
import querystring from 'node:querystring';
import { TidegateError } from '../../core/errors.ts';
import { displayUrl } from '../../core/secrets.ts';
import { TAP_PATH, type TapLine } from '../../core/tap.ts';
import { describeMessage } from './describe-message.ts';
import { linesOf } from './lines.ts';

export interface TapOptions {
  readonly at?: string;
  readonly filter?: string;
  readonly limit?: string;
  readonly rate?: string;
  readonly url: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Prints messages of a pipeline until a signal, the limit, or the end of the gateway. Rejects with TG_CONFIG_INVALID, TG_NOT_ALLOWED or TG_NOT_RUNNING. */
export async function tap(pipeline: string, options: TapOptions): Promise<number> {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.once('error', stop);
  try {
    const response = await ask(pipeline, options, stopped.signal);
    const print = options.json === true ? printJson : printPlain;
    for await (const line of linesOf(response)) print(line);
    return 0;
  } catch (error) {
    if (stopped.signal.aborted) return 0;
    if (error instanceof TidegateError) throw error;
    // The gateway closes what is open when it ends.
    process.stderr.write(`tidegate: the gateway has closed the connection: ${reasonOf(error)}\n`);
    return 1;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

async function ask(pipeline: string, options: TapOptions, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { url, headers } = await address(pipeline, options);
  let response: Response;
  try {
    response = await fetch(url, { headers, signal, redirect: 'error' });
  } catch (error) {
    if (signal.aborted) throw error;
    const place = displayUrl(options.url);
    const message = `no gateway answers at ${place}: ${reasonOf(error)}; say with --url where its admin port is`;
    throw new TidegateError('TG_NOT_RUNNING', message, error);
  }
  if (response.ok && response.body !== null) return response.body;
  throw new TidegateError(
    response.status === 400 || response.status === 404 ? 'TG_CONFIG_INVALID' : 'TG_NOT_ALLOWED',
    `the gateway answers ${response.status}: ${await messageOf(response)}${ADVICE[response.status] ?? ''}`,
  );
}

const ADVICE: Readonly<Record<number, string>> = {
  401: '; give the token of an operator in TIDEGATE_TOKEN or with --token-file, or a user and password in --url',
};

async function address(pipeline: string, { url, tokenFile, ...options }: TapOptions) {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new TidegateError('TG_CONFIG_INVALID', '--url: expected a URL such as http://localhost:8080');
  const target = new URL(TAP_PATH, url);
  target.searchParams.set('pipeline', pipeline);
  for (const name of ['at', 'filter', 'limit', 'rate'] as const) {
    const value = options[name];
    if (value !== undefined) target.searchParams.set(name, value);
  }
  const { username, password } = target;
  // A fetch refuses a URL that has them, and its error would print them.
  target.username = '';
  target.password = '';
  return {
    url: target,
    headers: await credentials(tokenFile, querystring.unescape(username), querystring.unescape(password)),
  };
}

async function credentials(file: string | undefined, user: string, password: string): Promise<Record<string, string>> {
  const token = file === undefined ? process.env.TIDEGATE_TOKEN : await tokenIn(file);
  if (token !== undefined && token !== '') return { authorization: `Bearer ${token}` };
  if (user === '' && password === '') return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new TidegateError('TG_CONFIG_UNREADABLE', `${file} cannot be read: ${reasonOf(error)}`, error);
  }
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return String((JSON.parse(text) as { error: { message: string } }).error.message);
  } catch {
    return 'this is not an answer of Tidegate';
  }
}

/** Of a failed fetch, whose own message says nothing. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? ((cause.message || (cause as NodeJS.ErrnoException).code) ?? message) : message;
}

function printJson(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What is no message goes to standard error, so that the messages can be piped. */
function printPlain(line: string): void {
  const parsed = JSON.parse(line) as TapLine;
  if ('tapped' in parsed) note(`${parsed.tapped}, place ${parsed.at} (${parsed.place})`);
  else if ('skipped' in parsed) note(`${parsed.skipped} more messages were not shown`);
  else if ('failed' in parsed) note(parsed.failed);
  else if ('ended' in parsed) note(parsed.ended);
  else process.stdout.write(`${describeMessage(parsed, line)}\n`);
}

function note(text: string): void {
  process.stderr.write(`tidegate: ${text}\n`);
}
