import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { explainValidity } from '../../../core/certificate.ts';
import { reasonOf, TidegateError } from '../../../core/errors.ts';
import { readBody } from '../../../core/http-body.ts';
import type { RemoteTls } from '../../../core/remote.ts';
import { displayUrl, withoutSecrets } from '../../../core/secrets.ts';
import { readTlsFiles } from '../../../core/tls-files.ts';
import { quoteValue } from '../../../sdk/index.ts';

/** Bytes of an answer. Schemas have some kilobytes; those of whole industries have been seen with one megabyte. */
const MAX_ANSWER = 8_388_608;

export interface HttpSettings {
  readonly url: string;
  /** User and password, or a bearer token. */
  readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string } | undefined;
  readonly tls?: RemoteTls | undefined;
  /** Of a whole request, in milliseconds. */
  readonly timeout: number;
}

export interface Answer {
  readonly status: number;
  /** Undefined where it is not JSON. */
  readonly json: unknown;
}

/**
 * A JSON API that may be away, and whose answers are not trusted. What may pass by itself is TG_PROCESSOR_BUSY; all else is
 * TG_PROCESSOR_FAILED.
 */
export class JsonApi {
  /** For errors. */
  readonly shownUrl: string;
  private readonly settings: HttpSettings;
  private readonly secrets: readonly string[];

  constructor(settings: HttpSettings) {
    this.settings = settings;
    this.shownUrl = displayUrl(settings.url);
    this.secrets = Object.values(settings.auth ?? {});
  }

  /** Resolves with an answer of any status below 500, but 401, 403, 408 and 429. */
  async call(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const { status, text } = await this.send(method, path, body);
    if (status >= 500 || status === 408 || status === 429) throw this.busy(`answers with status ${status}`);
    if (status === 401 || status === 403) throw this.failed(`refuses the request (status ${status}); check "auth"`);
    return { status, json: parsed(text) };
  }

  busy(what: string, cause?: unknown): TidegateError {
    return new TidegateError('TG_PROCESSOR_BUSY', this.words(what), cause);
  }

  failed(what: string): TidegateError {
    return new TidegateError('TG_PROCESSOR_FAILED', this.words(what));
  }

  /** An answer may repeat what it was sent. */
  private words(what: string): string {
    return `the schema registry ${this.shownUrl} ${withoutSecrets(what, this.secrets)}`;
  }

  private async send(
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<{ status: number; text: string }> {
    const { url, tls, timeout } = this.settings;
    const signal = AbortSignal.timeout(timeout);
    const options = { method, headers: this.headers(body), signal, agent: false };
    const address = `${url.replace(/\/+$/, '')}${path}`;
    try {
      const request = address.startsWith('https:')
        ? explained(requestTls(address, { ...options, ...(tls === undefined ? {} : await readTlsFiles(tls)) }))
        : requestPlain(address, options);
      const answered = answerTo(request);
      request.end(body === undefined ? undefined : JSON.stringify(body));
      const response = await answered;
      return { status: response.statusCode ?? 0, text: await this.read(response) };
    } catch (error) {
      if (error instanceof TidegateError) throw error;
      const reason = signal.aborted ? `has not answered within ${timeout} ms` : `cannot be reached: ${reasonOf(error)}`;
      throw this.busy(reason, error);
    }
  }

  private headers(body: object | undefined): Record<string, string> {
    const { auth } = this.settings;
    const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' };
    if (body !== undefined) headers['content-type'] = 'application/vnd.schemaregistry.v1+json';
    if (auth === undefined) return headers;
    const basic = 'token' in auth ? '' : Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
    headers.authorization = 'token' in auth ? `Bearer ${auth.token}` : `Basic ${basic}`;
    return headers;
  }

  private async read(response: IncomingMessage): Promise<string> {
    const body = await readBody(response, MAX_ANSWER);
    if (body === undefined) throw this.failed(`answers with more than ${MAX_ANSWER} bytes`);
    return body.toString('utf8');
  }
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
}

/** Errors of TLS say which certificate they are about. */
function explained(request: ClientRequest): ClientRequest {
  return request.on('socket', (socket) => explainValidity(socket as TLSSocket));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A short part of what an answer says, for an error. */
export function messageOf(json: unknown): string {
  const { message } = (json ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? `: ${quoteValue(message)}` : '';
}
