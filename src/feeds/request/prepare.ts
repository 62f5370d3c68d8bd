import { STATUS_CODES } from 'node:http';
import { reasonOf } from '../../core/errors.ts';
import { parseAsWritten, writeJson } from '../../core/exact-number.ts';
import { type CallAnswer, callHttp } from '../../core/http-call.ts';
import { openTunnel } from '../../core/http-tunnel.ts';
import { Message } from '../../core/message.ts';
import { isTooDeep, MAX_LEVELS } from '../../core/nesting.ts';
import { readTlsFiles } from '../../core/tls-files.ts';
import type { PrepareCall } from '../../sdk/connect-prepare.ts';
import { shownUrl } from '../../sdk/connect-url.ts';
import type { Redaction } from '../reports/redaction.ts';
import { headersOf } from './request.ts';

/** What templates can use of an answer. */
interface PreparedAnswer {
  /** undefined for an empty body. Numbers keep all their digits. */
  readonly json: unknown;
  /** By their names in small letters; those of `set-cookie` are a list. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** By the names that `as` gives them. */
export type Answers = Readonly<Record<string, PreparedAnswer>>;

export interface PrepareOptions {
  readonly calls: readonly PrepareCall[];
  /** What the texts of the next call are made of. */
  readonly values: (answers: Answers) => Message;
  readonly redaction: Redaction;
  /** URL of an HTTP proxy (CONNECT). */
  readonly proxy: string | undefined;
  readonly signal: AbortSignal;
  /** A call begins; `what` may be shown. */
  readonly asking: (what: string) => void;
}

/** Makes the calls of `prepare`, in order. Rejects with an Error that names the call; it may quote secrets. */
export async function prepare(options: PrepareOptions): Promise<Answers> {
  const answers: Record<string, PreparedAnswer> = {};
  for (const call of options.calls) {
    const what = `${call.http.method} ${shownUrl(call.http.url)} of prepare`;
    options.asking(what);
    try {
      const called = await ask(call, options.values(answers), options);
      const answer = answerOf(called, options.redaction);
      await check(call, called, answer, options.redaction);
      answers[call.as] = answer;
    } catch (error) {
      throw new Error(`${what}: ${reasonOf(error)}`);
    }
  }
  return answers;
}

/** A connection of its own for each call: it is used once in hours. */
async function ask(
  { http }: PrepareCall,
  values: Message,
  { redaction, proxy, signal }: PrepareOptions,
): Promise<CallAnswer> {
  const { method, max_bytes: maxBytes, tls } = http;
  const [url, headers, body] = await Promise.all([
    http.url.make(values),
    headersOf(http.headers, values),
    http.body?.(values),
  ]);
  redaction.asked({ url, headers });
  if (body !== undefined) redaction.posted(body);
  const files = tls === undefined || !url.startsWith('https:') ? undefined : await readTlsFiles(tls);
  return callHttp({
    method,
    url,
    headers: { accept: 'application/json', ...contentType(body), ...lowerCased(headers) },
    body: Buffer.from(body ?? ''),
    tls: files,
    tunnel: proxy === undefined ? undefined : await openTunnel(proxy, url, signal),
    signal,
    maxBytes,
  });
}

/** Rejects with an Error if it is not what `expect` asks for. Its texts are quoted without those that may be secrets. */
async function check(
  { expect }: PrepareCall,
  { status, body }: CallAnswer,
  { json }: PreparedAnswer,
  redaction: Redaction,
): Promise<void> {
  if (expect === undefined || (await expect(new Message(body, { meta: { status } })))) return;
  throw new Error(`the answer is not the one that expect asks for (status ${status}); ${quotedJson(json, redaction)}`);
}

/** Throws an Error for an answer that is no success, and for one that is not JSON. */
function answerOf(called: CallAnswer, redaction: Redaction): PreparedAnswer {
  const { status, headers, body } = called;
  if (status < 200 || status > 299) {
    const why = `the server answers ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
    throw new Error(why + adviceOn(status) + saidWith(called, redaction));
  }
  const answer = { json: body.length === 0 ? undefined : jsonOf(body, headers), headers };
  redaction.heard(answer);
  return answer;
}

/** What an answer that is no success says: most servers of JSON have a code in it. Pages of proxies say nothing. */
function saidWith({ headers, body }: CallAnswer, redaction: Redaction): string {
  if (body.length === 0) return '';
  let json: unknown;
  try {
    json = jsonOf(body, headers);
  } catch {
    return '';
  }
  redaction.heard({ json, headers });
  return `; ${quotedJson(json, redaction)}`;
}

/** As JSON, not as the server wrote it: a field that is there twice would hide the text of the first one. */
function quotedJson(json: unknown, redaction: Redaction): string {
  const shown = writeJson(json);
  return redaction.quoted(shown === undefined ? undefined : Buffer.from(shown));
}

function jsonOf(body: Buffer, headers: CallAnswer['headers']): unknown {
  const text = body.toString();
  try {
    // First without its digits: to keep them takes a stack as deep as the answer.
    const parsed: unknown = JSON.parse(text);
    if (!isTooDeep(parsed)) return parseAsWritten(text, parsed);
  } catch {
    const type = headers['content-type'] ?? 'no content-type';
    throw new Error(`the answer is not JSON (${type}); check the url of prepare`);
  }
  throw new Error(`the answer has more than ${MAX_LEVELS} levels of lists and objects`);
}

function adviceOn(status: number): string {
  if (status >= 300 && status <= 399)
    return ', and redirects are not followed, as they would forward the credentials; set the url that it leads to';
  return status === 401 || status === 403 ? '; check the keys, the signature and the clock of this machine' : '';
}

function contentType(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

/** So that a header of the settings replaces one of ours, however it is written. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
