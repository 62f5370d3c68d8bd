import {
  backoffDelay,
  type ComponentContext,
  evaluateTemplate,
  type Message,
  pause,
  reasonOf,
  TidegateError,
  together,
  withoutSecrets,
  writeJson,
  type z,
} from '../../../sdk/index.ts';
import { AnswerCache } from './answer-cache.ts';
import { type HttpAnswer, type Question, Requester } from './http-request.ts';
import type { httpSettings } from './http-settings.ts';
import { measure } from './kept-values.ts';
import type { Found, Table } from './table.ts';

type Result = 'found' | 'missing' | 'refused' | 'failed';

/** Request timeout, too early, too many requests: the same request may work later (RFC 9110, 8470, 6585). */
const LATER = new Set([408, 425, 429]);
const GONE = new Set([404, 410]);
/** Milliseconds. */
const GIVE_UP_AFTER = 15_000;

/** An HTTP server that is asked for each value, with a cache in front of it. */
export class HttpTable implements Table {
  readonly concurrency: number;
  private readonly settings: z.output<typeof httpSettings>;
  private readonly context: ComponentContext;
  private readonly requester: Requester;
  private readonly cache: AnswerCache;
  /** Requests that have no answer yet: equal ones wait for the same. */
  private readonly pending = new Map<string, Promise<Found>>();
  private readonly headers: Readonly<Record<string, string>>;
  private readonly closing = new AbortController();
  private readonly stopMeasuring: () => void;

  constructor(settings: z.output<typeof httpSettings>, context: ComponentContext) {
    const { concurrency, max_bytes: maxBytes, tls, cache, headers, body } = settings;
    this.settings = settings;
    this.context = context;
    this.concurrency = concurrency;
    const { clock } = context;
    this.requester = new Requester({ maxBytes, connections: concurrency, tls, clock });
    this.cache = new AnswerCache(cache, clock);
    this.headers = { accept: 'application/json', ...(body === undefined ? {} : JSON_CONTENT), ...lowerCased(headers) };
    this.stopMeasuring = measure(context, () => this.cache);
  }

  async open(): Promise<void> {
    await this.requester.open(this.settings.url.text.toLowerCase().startsWith('https:') ? 'https:' : 'http:');
  }

  find(message: Message): Found | Promise<Found> {
    const { url, body } = this.settings;
    const made = [url.make(message), body === undefined ? undefined : evaluateTemplate(body, message)];
    const find = ([address, content]: readonly unknown[]): Found | Promise<Found> => {
      if (address === undefined || (body !== undefined && content === undefined)) return undefined;
      return this.findAnswer(address as URL, body === undefined ? undefined : writeJson(content));
    };
    // A promise of a promise is one promise.
    return together(made, find) as Found | Promise<Found>;
  }

  close(): void {
    this.closing.abort();
    this.requester.close();
    this.stopMeasuring();
  }

  private findAnswer(url: URL, body: string | undefined): Found | Promise<Found> {
    const asked = body === undefined ? url.href : `${url.href}\n${body}`;
    const known = this.cache.get(asked);
    if (known !== undefined) return known.text;
    const pending = this.pending.get(asked);
    if (pending !== undefined) return pending;
    const answer = this.ask({ url, method: this.settings.method, headers: this.headers, body })
      .then((text) => {
        const { ttl, miss_ttl } = this.settings.cache;
        this.cache.put(asked, text, text === undefined ? miss_ttl : ttl);
        return text;
      })
      .finally(() => this.pending.delete(asked));
    this.pending.set(asked, answer);
    return answer;
  }

  /**
   * With retries, within `give_up_after`. Rejects with TG_PROCESSOR_BUSY after the last of them, and with TG_PROCESSOR_FAILED
   * where none makes sense.
   */
  private async ask(question: Question): Promise<Found> {
    const { retries, backoff, timeout, give_up_after: longest = Math.max(GIVE_UP_AFTER, timeout) } = this.settings;
    const { clock } = this.context;
    const end = clock.elapsed() + longest;
    let problem: string | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const left = end - clock.elapsed();
      const answer = await this.tryOnce(question, Math.ceil(Math.min(timeout, left)));
      if ('found' in answer) return answer.found;
      // What a try that had less than `timeout` failed for says less than the one before it.
      problem = left < timeout ? (problem ?? answer.problem) : answer.problem;
      if (this.closing.signal.aborted) throw new TidegateError('TG_STOPPING', this.described('the gateway stops'));
      const rest = Math.max(backoffDelay(attempt, backoff), Math.min(answer.pause, backoff.max));
      if (attempt > retries || clock.elapsed() + rest >= end) {
        const tries = attempt === 1 ? '' : ` after ${attempt} tries`;
        throw new TidegateError('TG_PROCESSOR_BUSY', this.described(`${problem}${tries}`));
      }
      await pause(clock, rest, this.closing.signal);
    }
  }

  /** What was found, or why it is to be tried again and after how many milliseconds at the earliest. */
  private async tryOnce(
    question: Question,
    timeout: number,
  ): Promise<{ readonly found: Found } | { readonly problem: string; readonly pause: number }> {
    let answer: HttpAnswer;
    try {
      answer = await this.requester.ask(question, timeout, this.closing.signal);
    } catch (error) {
      this.count('failed');
      return { problem: reasonOf(error), pause: 0 };
    }
    const { status, retryAfter = 0 } = answer;
    if (status >= 500 || LATER.has(status)) {
      this.count('failed');
      return { problem: `the server answered ${status}`, pause: retryAfter * 1_000 };
    }
    if (GONE.has(status)) {
      this.count('missing');
      return { found: undefined };
    }
    return { found: this.valueIn(answer) };
  }

  /** Throws TG_PROCESSOR_FAILED for an answer that has no value and does not say that there is none. */
  private valueIn({ status, body }: HttpAnswer): Found {
    if (status < 200 || status > 299) throw this.refused(`the server answered ${status}${REDIRECT.get(status) ?? ''}`);
    if (body === undefined) throw this.refused(`the answer has more than max_bytes (${this.settings.max_bytes})`);
    const text = body.toString('utf8');
    if (text === '') {
      this.count('missing');
      return undefined;
    }
    const value = this.settings.as === 'text' ? JSON.stringify(text) : text;
    if (this.settings.as === 'json' && !isJson(text)) throw this.refused('the answer is not JSON');
    this.count('found');
    return value;
  }

  private refused(why: string): TidegateError {
    this.count('refused');
    return new TidegateError('TG_PROCESSOR_FAILED', this.described(why));
  }

  /** Without secrets: an error of TLS or of HTTP may quote what was sent. */
  private described(why: string): string {
    const { url, method, headers } = this.settings;
    return `${method} ${url.shown}: ${withoutSecrets(why, [...Object.values(headers), ...url.secrets])}`;
  }

  private count(result: Result): void {
    this.context.stats.counter('tidegate_lookup_requests_total', { place: this.context.path, result }).value += 1;
  }
}

const JSON_CONTENT = { 'content-type': 'application/json' };

const REDIRECT = new Map(
  [301, 302, 303, 307, 308].map((status) => [status, ', and redirects are not followed: set the url that it leads to']),
);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** So that a header of the settings replaces one of ours, however it is written. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
