import { reasonOf } from '../../core/errors.ts';
import { parseAsWritten, writeJson } from '../../core/exact-number.ts';
import type { Message } from '../../core/message.ts';
import type { RemoteRequest } from '../../core/remote.ts';
import type { Field } from '../../core/trace-format.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import { connectMessage } from '../../sdk/connect-template.ts';
import type { ConnectUrl } from '../../sdk/connect-url.ts';
import { setField } from '../../sdk/field-path.ts';
import { after } from '../../sdk/value.ts';
import type { Redaction } from '../reports/redaction.ts';
import { checkNamedHost } from './named-host.ts';
import { type Answers, prepare } from './prepare.ts';
import { requestOf, withFields } from './request.ts';

/** What texts can use of a reply. */
interface Reply {
  readonly text: string;
  /** undefined if it is not JSON. */
  readonly json: unknown;
}

export interface ConnectRequestOptions {
  readonly url: ConnectUrl;
  readonly settings: RemoteSettings;
  readonly redaction: Redaction;
  /** A connect begins. Resolves once `lastCursor` is that of the messages so far; undefined if it is. */
  readonly connects: () => Promise<unknown> | undefined;
  /** Where the server should continue; undefined if nothing was received yet. */
  readonly lastCursor: () => unknown;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Headers of the trace of this connect. */
  readonly fields: () => readonly Field[];
}

/** What one connect knows: its token, the answers of `prepare`, and replies. Makes the request, and what later texts are made of. */
export class ConnectRequest {
  /** The call of `prepare` whose answer is awaited. */
  asking: string | undefined;
  private readonly options: ConnectRequestOptions;
  private token: string | undefined;
  private answers: Answers = {};
  /** To messages of `subscribe`, by the names that `as` gives them. */
  private readonly replies: Record<string, Reply> = {};

  constructor(options: ConnectRequestOptions) {
    this.options = options;
  }

  /** The request of the opening handshake, once the token is known and the calls of `prepare` are answered. */
  make(token: string | undefined, signal: AbortSignal): RemoteRequest | Promise<RemoteRequest> {
    this.options.redaction.begin(token);
    this.token = token;
    const known = this.options.connects();
    return known === undefined ? this.prepared(signal) : known.then(() => this.prepared(signal));
  }

  private prepared(signal: AbortSignal): RemoteRequest | Promise<RemoteRequest> {
    const { settings, redaction } = this.options;
    const { prepare: calls, proxy } = settings;
    if (calls.length === 0) return this.handshake();
    const values = (answers: Answers) => this.valuesWith(answers);
    const asking = (what: string) => {
      this.asking = what;
    };
    return prepare({ calls, values, redaction, proxy, signal, asking }).then((answers) => {
      this.answers = answers;
      this.asking = undefined;
      return this.handshake();
    });
  }

  /** An answer with the status 200 may be an error of the server: then a value of the request is missing. */
  private withAnswer(error: unknown): unknown {
    const json = writeJson(Object.values(this.answers).at(-1)?.json);
    if (json === undefined) return error;
    return new Error(`${reasonOf(error)}; in prepare, ${this.options.redaction.quoted(Buffer.from(json))}`);
  }

  /** What the expressions in texts for the server are evaluated on: `meta.now` is the same in all that are made at once. */
  values(): Message {
    return this.valuesWith(this.answers);
  }

  /** The server has replied to a message of `subscribe`. */
  replied(as: string, data: Buffer): void {
    const text = data.toString();
    this.options.redaction.replied(text);
    setField(this.replies, as, { text, json: jsonOf(text) });
  }

  private handshake(): RemoteRequest | Promise<RemoteRequest> {
    const { url, settings, redaction, fields } = this.options;
    return after(this.request(), (request) => {
      if (url.isNamed) checkNamedHost(request.url, settings);
      redaction.asked(request);
      return withFields(request, fields());
    });
  }

  private request(): RemoteRequest | Promise<RemoteRequest> {
    const { url, settings } = this.options;
    const failed = (error: unknown) => {
      throw this.withAnswer(error);
    };
    try {
      const made = requestOf(url, settings, this.values());
      return made instanceof Promise ? made.catch(failed) : made;
    } catch (error) {
      return failed(error);
    }
  }

  private valuesWith(answers: Answers): Message {
    const { settings, lastCursor, now } = this.options;
    const { secrets = {} } = settings;
    const known = { ...answers, ...this.replies };
    return connectMessage({ token: this.token, cursor: lastCursor(), now: now(), secrets, answers: known });
  }
}

/** Numbers keep all their digits. */
function jsonOf(text: string): unknown {
  try {
    return parseAsWritten(text);
  } catch {
    return undefined;
  }
}
