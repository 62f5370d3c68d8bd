import type { IncomingMessage, ServerResponse } from 'node:http';
import { didYouMean, listNames } from '../config/problem/suggest.ts';
import type { Clock } from '../core/clock.ts';
import { quoteValue } from '../core/quote.ts';
import { TAP_PATH, TAP_RATE, type TapLine } from '../core/tap.ts';
import { MessageSample } from '../pipelines/message-sample.ts';
import type { TapPoint } from '../pipelines/tap-point.ts';
import type { TapPoints } from '../pipelines/tap-points.ts';
import { compileCondition, type Expression } from '../sdk/expression.ts';
import { LineStream } from './line-stream.ts';
import { fixedPathOf, refuseMethod, sendError } from './respond.ts';
import { tappedLine } from './tapped-message.ts';

/** What taps need of the gateway. */
export interface TapPort {
  readonly pipelines: () => readonly { readonly name: string; readonly taps: TapPoints }[];
  readonly clock: Clock;
}

interface Request {
  readonly pipeline: string;
  readonly at: number;
  readonly point: TapPoint;
  readonly filter: Expression | undefined;
  readonly limit: number;
  readonly rate: number;
}

interface Refusal {
  readonly status: 400 | 404;
  readonly message: string;
}

/** Taps at a time. */
const MAX_TAPS = 4;
const MAX_RATE = 1_000;
/** Milliseconds between two looks at what was left out, and between signs of life. */
const TICK = 1_000;
const HEARTBEAT = 10_000;

const PARAMETERS = new Set(['pipeline', 'at', 'filter', 'limit', 'rate']);

/** Streams messages of a pipeline to operators, as lines of JSON (`TapLine`). */
export class Taps {
  private readonly port: TapPort;
  private open = 0;

  constructor(port: TapPort) {
    this.port = port;
  }

  /** Answers a request for a tap; false where it is for something else. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    if (fixedPathOf(request) !== TAP_PATH) return false;
    if (refuseMethod(request, response, ['GET'])) return true;
    const [, query = ''] = (request.url ?? '').split('?', 2);
    const read = readRequest(new URLSearchParams(query), this.port.pipelines());
    if ('status' in read) sendError(response, read.status, 'invalid_tap', read.message);
    else if (this.open === MAX_TAPS)
      sendError(response, 503, 'too_many_taps', `${MAX_TAPS} taps are open already, which is the most; close one`);
    else this.begin(read, response);
    return true;
  }

  private begin(request: Request, response: ServerResponse): void {
    this.open += 1;
    response.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const end = stream(request, response, this.port.clock);
    response.once('close', () => {
      this.open -= 1;
      end();
    });
  }
}

/** Returns what ends it. */
function stream(
  { pipeline, at, point, filter, limit, rate }: Request,
  response: ServerResponse,
  clock: Clock,
): () => void {
  const lines = new LineStream(response);
  let left = limit;
  let quietFor = 0;
  let isOver = false;
  const say = (line: TapLine) => lines.write(JSON.stringify(line));
  const report = () => {
    const skipped = sample.takeSkipped() + lines.takeDropped();
    if (skipped > 0) say({ skipped });
    return skipped > 0;
  };
  const over = (ended: string) => {
    stop();
    report();
    lines.end(JSON.stringify({ ended } satisfies TapLine));
  };
  const sample = new MessageSample({
    filter,
    perSecond: rate,
    show: (message) => {
      if (isOver) return;
      left -= 1;
      quietFor = 0;
      lines.write(tappedLine(message));
      if (left === 0) over(limit === 1 ? '1 message was shown' : `${limit} messages were shown`);
    },
    failed: (reason) =>
      isOver || say({ failed: `the filter failed for a message, which counts as not meant: ${reason}` }),
    ended: () => over(`the pipeline ${pipeline} was stopped or replaced; tap it again to see what runs then`),
    elapsed: () => clock.elapsed(),
  });
  say({ tapped: pipeline, at, place: point.place });
  const unwatch = point.watch(sample);
  let cancel = clock.after(TICK, tick);
  function tick(): void {
    quietFor = report() ? 0 : quietFor + TICK;
    if (quietFor >= HEARTBEAT) {
      quietFor = 0;
      lines.write('');
    }
    cancel = clock.after(TICK, tick);
  }
  function stop(): void {
    isOver = true;
    cancel();
    unwatch();
  }
  return stop;
}

function readRequest(given: URLSearchParams, pipelines: ReturnType<TapPort['pipelines']>): Request | Refusal {
  for (const name of given.keys())
    if (!PARAMETERS.has(name))
      return wrong(
        `there is no parameter ${quoteValue(name)}; there are ${listNames(PARAMETERS)}${didYouMean(name, PARAMETERS)}`,
      );
  const pipeline = given.get('pipeline') ?? '';
  const found = pipelines.find(({ name }) => name === pipeline);
  if (found === undefined) {
    const names = new Set(pipelines.map(({ name }) => name));
    const there = names.size === 0 ? 'there are none' : `there are ${listNames(names)}`;
    if (pipeline === '') return wrong(`pipeline is the name of a pipeline; ${there}`);
    return {
      status: 404,
      message: `there is no pipeline ${quoteValue(pipeline)}; ${there}${didYouMean(pipeline, names)}`,
    };
  }
  const { taps } = found;
  const at = wholeNumber(given.get('at') ?? String(taps.last), 0, taps.last);
  const point = at === undefined ? undefined : taps.at(at);
  if (at === undefined || point === undefined)
    return wrong(`at is a number from 0 (behind the source) to ${taps.last} (what the sink gets)`);
  const limit = wholeNumber(given.get('limit') ?? '0', 0, Number.MAX_SAFE_INTEGER);
  const rate = wholeNumber(given.get('rate') ?? String(TAP_RATE), 1, MAX_RATE);
  if (limit === undefined) return wrong('limit is the number of messages after which the tap ends; 0: never');
  if (rate === undefined) return wrong(`rate is a number of messages a second, from 1 to ${MAX_RATE}`);
  const filter = readFilter(given.get('filter'));
  if (typeof filter === 'string') return wrong(filter);
  return { pipeline, at, point, filter, limit: limit === 0 ? Number.POSITIVE_INFINITY : limit, rate };
}

function wrong(message: string): Refusal {
  return { status: 400, message };
}

/** The expression, with or without `${! }` around it; a text that says what is wrong with it. */
function readFilter(text: string | null): Expression | undefined | string {
  if (text === null || text.trim() === '') return undefined;
  try {
    return compileCondition(text.includes('${!') ? text : `\${! ${text} }`);
  } catch (error) {
    return `filter: ${(error as Error).message}`;
  }
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}
