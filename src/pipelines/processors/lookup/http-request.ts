import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { TLSSocket } from 'node:tls';
import {
  type Clock,
  explainValidity,
  type RemoteTls,
  readBody,
  readTlsFiles,
  type TlsFiles,
} from '../../../sdk/index.ts';

/** Certificates are read again so often, for connections that are opened from then on; in milliseconds. */
const TLS_MAX_AGE = 10_000;

export interface Question {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Seconds, where the server asks for a pause. */
  readonly retryAfter: number | undefined;
  /** undefined where it is larger than allowed. */
  readonly body: Buffer | undefined;
}

export interface RequesterOptions {
  /** Largest body that is read. */
  readonly maxBytes: number;
  readonly connections: number;
  readonly tls: RemoteTls | undefined;
  readonly clock: Clock;
}

/** Makes requests of one server, over connections that are kept open. */
export class Requester {
  private readonly options: RequesterOptions;
  private agent: HttpAgent | HttpsAgent | undefined;
  private files: TlsFiles | undefined;
  private readAt = 0;

  constructor(options: RequesterOptions) {
    this.options = options;
  }

  /** Rejects with an Error that names a file of `tls` that cannot be read. */
  async open(protocol: string): Promise<void> {
    await this.agentFor(protocol);
  }

  /**
   * Rejects with an Error where there was no complete answer. `timeout`: milliseconds for all of it, that is connect, request
   * and the last byte of the answer.
   */
  async ask(question: Question, timeout: number, signal: AbortSignal): Promise<HttpAnswer> {
    const agent = await this.agentFor(question.url.protocol);
    if (signal.aborted) throw new Error('the gateway stops');
    return this.send(question, agent, timeout, signal);
  }

  close(): void {
    this.agent?.destroy();
  }

  private send(
    { url, method, headers, body }: Question,
    agent: HttpAgent,
    timeout: number,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { clock, maxBytes } = this.options;
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const send = url.protocol === 'https:' ? requestHttps : requestHttp;
      const sent = send(url, { agent, method, headers: { ...headers, ...length } }, (response) => {
        readBody(response, maxBytes).then((content) => end(() => resolve(answerOf(response, content))), fail);
      });
      const cancelTimeout = clock.after(timeout, () => fail(new Error(`no complete answer within ${timeout} ms`)));
      const stop = () => fail(new Error('the gateway stops'));
      const end = (settle: () => void) => {
        cancelTimeout();
        signal.removeEventListener('abort', stop);
        settle();
      };
      const fail = (error: Error) => {
        end(() => reject(error));
        sent.destroy();
      };
      signal.addEventListener('abort', stop, { once: true });
      sent.on('error', fail);
      sent.on('socket', (socket) => {
        if (socket instanceof TLSSocket && socket.connecting) explainValidity(socket);
      });
      sent.end(body);
    });
  }

  private async agentFor(protocol: string): Promise<HttpAgent> {
    const { connections, clock, tls } = this.options;
    const settings = { keepAlive: true, maxSockets: connections };
    if (protocol !== 'https:' || tls === undefined) {
      this.agent ??= protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
      return this.agent;
    }
    if (this.agent !== undefined && clock.elapsed() - this.readAt < TLS_MAX_AGE) return this.agent;
    this.readAt = clock.elapsed();
    const files = await this.newFiles(tls);
    if (this.agent === undefined || !areEqual(files, this.files)) {
      // Requests that are under way go on over the connections of the agent before.
      this.agent = new HttpsAgent({ ...settings, ...files });
      this.files = files;
    }
    return this.agent;
  }

  /** Files that cannot be read leave the ones before in use: a program that renews them may just replace them. */
  private async newFiles(tls: RemoteTls): Promise<TlsFiles> {
    try {
      return await readTlsFiles(tls);
    } catch (error) {
      if (this.files === undefined) throw error;
      return this.files;
    }
  }
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer | undefined): HttpAnswer {
  const seconds = Number(headers['retry-after']);
  return { status: statusCode, retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined, body };
}

function areEqual(a: TlsFiles, b: TlsFiles | undefined): boolean {
  const same = (one: Buffer | undefined, other: Buffer | undefined) =>
    one === undefined || other === undefined ? one === other : one.equals(other);
  return b !== undefined && same(a.ca, b.ca) && same(a.cert, b.cert) && same(a.key, b.key);
}
