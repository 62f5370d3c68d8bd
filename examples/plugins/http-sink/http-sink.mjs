// A sink that posts batches to a URL, in order, and tries again until the server has them or refuses them.
import { createHash } from 'node:crypto';
import { Subject } from 'rxjs';
import { Batch, backoffDelay, defineSink, field, pause, TidegateError, z } from 'tidegate/sdk';

/** Answers that say "later" (RFC 9110 15.5.9, RFC 6585 4, RFC 8470 5.2); so do all of 5xx but 501 and 505. */
const LATER = [408, 425, 429];
/** Answers that may be about one message of several. */
const ABOUT_CONTENT = [400, 409, 413, 422];

export default defineSink({
  name: 'http_batches',
  summary: 'Posts each batch to a URL as a JSON array, in order, with retries.',
  description:
    'One request is in flight at a time, so the server gets the messages in their order. A server that answers 429 or 503 is asked again after its `Retry-After`. A batch that is refused with 400, 409, 413 or 422 is sent again in halves, so that one bad message does not take the others along.',
  sdk: '^0.1',
  config: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('Where to.'),
    headers: z.record(z.string(), z.string()).default({}).describe('Headers of each request, such as authorization.'),
    timeout: field.duration().prefault('10s').describe('How long a request may take.'),
    tries: field
      .integer({ min: 1, max: 1_000 })
      .default(8)
      .describe('How often a batch is sent before it is given up.'),
    max_pause: field.duration().prefault('1m').describe('Longest pause between two tries, whatever the server says.'),
  }),
  examples: [
    { url: 'https://example.org/orders', headers: { authorization: 'Bearer secret' } },
    { url: 'http://localhost:8000/', tries: 3, max_pause: '5s' },
  ],
  failures: [
    'The server refuses it, with 4xx other than 408, 425 and 429, or with 501 or 505.',
    'It was sent `tries` times, and the server was away, too slow or busy each time.',
  ],
  reaches: 'records',
  create: (settings, context) => new HttpSink(settings, context),
});

class HttpSink {
  idle$ = new Subject();
  waiting = [];
  isWorking = false;
  closing = new AbortController();

  constructor(settings, { clock, logger, tracer }) {
    Object.assign(this, { settings, clock, logger, tracer });
  }

  get idle() {
    return !this.isWorking;
  }

  async open() {
    this.closing = new AbortController();
  }

  /** The gate of the pipeline bounds what waits here. */
  write(batch) {
    this.waiting.push(batch);
    if (!this.isWorking) void this.work();
  }

  async close() {
    this.closing.abort();
  }

  async work() {
    this.isWorking = true;
    for (let batch = this.waiting.shift(); batch !== undefined; batch = this.waiting.shift()) await this.deliver(batch);
    this.isWorking = false;
    this.idle$.next();
  }

  /** Settles each message of the batch; never rejects. */
  async deliver(batch) {
    const body = bodyOf(batch.messages);
    const failure = body instanceof TidegateError ? { status: 400, error: body } : await this.post(batch, body);
    if (failure === undefined) batch.ack();
    else if (batch.length === 1 || !ABOUT_CONTENT.includes(failure.status)) batch.nack(failure.error);
    else for (const half of halves(batch)) await this.deliver(half);
  }

  /** Sends a batch until the server has it. Resolves with why not; undefined where it has it. */
  async post(batch, body) {
    const { settings, clock, logger, closing } = this;
    // The same for each try, so that a server that had it, and whose answer was lost, can tell.
    const key = createHash('sha256').update(body).update(placesOf(batch)).digest('hex');
    for (let tries = 1; ; tries += 1) {
      if (closing.signal.aborted) return { error: new TidegateError('TG_STOPPING', 'the sink was closed') };
      const { later, ...failure } = await this.request(batch, body, key);
      if (failure.error === undefined) return undefined;
      if (later === undefined) return failure;
      const { message } = failure.error;
      if (tries >= settings.tries)
        return { error: new TidegateError('TG_RECORD_REFUSED', `given up after ${tries} tries: ${message}`) };
      const delay = Math.min(
        settings.max_pause,
        Math.max(later, backoffDelay(tries, { initial: 200, max: settings.max_pause })),
      );
      logger.warn({ tries, delay }, `${message}; it is tried again in ${Math.round(delay)} ms`);
      await pause(clock, delay, closing.signal);
    }
  }

  /** One request. `later`: milliseconds after which it may work, at the least; undefined where it never will. */
  async request(batch, body, key) {
    const { url, headers, timeout } = this.settings;
    const span = this.tracer.span(batch, 'POST', { 'url.full': url, 'messaging.batch.message_count': batch.length });
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(timeout)]);
    const own = { 'content-type': 'application/json', 'idempotency-key': key, ...span.headers };
    try {
      const response = await fetch(url, { method: 'POST', body, signal, headers: { ...own, ...headers } });
      const { status } = response;
      await response.body?.cancel();
      span.set({ 'http.response.status_code': status });
      if (response.ok) {
        span.end();
        return {};
      }
      const error = new TidegateError('TG_RECORD_REFUSED', `${new URL(url).host} answered ${status}`);
      span.end(error);
      return { status, error, later: isTemporary(status) ? retryAfter(response, this.clock) : undefined };
    } catch (error) {
      span.end(error);
      // It is not known whether the server has it: the key lets it find out.
      const why = error.cause?.code ?? error.cause?.message ?? error.message;
      return {
        error: new TidegateError('TG_RECORD_REFUSED', `${new URL(url).host} cannot be reached: ${why}`),
        later: 0,
      };
    }
  }
}

/** A TidegateError where a message is not JSON. */
function bodyOf(messages) {
  try {
    return `[${messages.map(jsonOf).join(',')}]`;
  } catch (error) {
    return error;
  }
}

/** The payload as it came, so that no digit of a number is lost. Throws where it is not JSON. */
function jsonOf(message) {
  void message.plainJson;
  return message.text;
}

function placesOf({ messages }) {
  return messages.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`).join();
}

function halves({ messages }) {
  const middle = messages.length >> 1;
  return [new Batch(messages.slice(0, middle)), new Batch(messages.slice(middle))];
}

function isTemporary(status) {
  return LATER.includes(status) || (status >= 500 && status !== 501 && status !== 505);
}

/** Milliseconds (RFC 9110 10.2.3: seconds, or a date); 0 where the server says nothing. */
function retryAfter(response, clock) {
  const text = response.headers.get('retry-after') ?? '';
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}
