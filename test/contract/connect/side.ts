import type { ConnectApi, Said } from '../../helpers/connect-gateway.ts';

/** A Connect API under comparison, with its own words for what both have. */
export interface Side {
  readonly api: ConnectApi;
  /** One of its topics, with one partition. */
  readonly topic: string;
  /** Short names of its classes. */
  readonly source: string;
  readonly sink: string;
  /** Settings of connectors that run. */
  readonly sourceConfig: Readonly<Record<string, string>>;
  readonly sinkConfig: Readonly<Record<string, string>>;
  /** Settings with which a sink fails. */
  readonly hopeless: Readonly<Record<string, string>>;
  /** A source partition and an offset as its source connector has them. */
  readonly partition: Readonly<Record<string, unknown>>;
  readonly offset: Readonly<Record<string, unknown>>;
  /** Texts of its answers, and the common word for it, the longest ones first. */
  readonly words: readonly (readonly [own: string, common: string])[];
}

/** One call, to be made on both sides. */
export interface Step {
  readonly method: string;
  readonly path: string | ((side: Side) => string);
  readonly body?: (side: Side) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Tells it from other calls of that path. */
  readonly note: string;
  /** What is compared of a body; all of it where this is not given. */
  readonly look?: (body: unknown) => unknown;
  /** The call is repeated until this holds: what becomes true in time. */
  readonly until?: (said: Said) => boolean;
}

export interface Difference {
  /** Such as `PUT /connectors/a/pause unknown`. */
  readonly step: string;
  /** Such as `status` or `body.message`. */
  readonly what: string;
  readonly worker: unknown;
  readonly ours: unknown;
}

const PATIENCE = 20_000;
const PAUSE = 50;

/** Makes the call on both sides and says in what their answers differ. */
export async function compare(step: Step, worker: Side, ours: Side): Promise<Difference[]> {
  const [one, other] = await Promise.all([make(step, worker), make(step, ours)]);
  const name = nameOf(step);
  return differencesOf('', one, other).map((found) => ({ step: name, ...found }));
}

export function nameOf({ method, path, note }: Step): string {
  return [method, typeof path === 'string' ? path : '…', note].filter((part) => part !== '').join(' ');
}

/** Answers with types for values, for what is each side's own. An array is that of its first element. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

async function make(step: Step, side: Side): Promise<unknown> {
  const path = typeof step.path === 'string' ? step.path : step.path(side);
  const end = Date.now() + PATIENCE;
  for (;;) {
    const said = await side.api.call(step.method, path, step.body?.(side), step.headers);
    const isEarly = isRebalancing(said) || (step.until !== undefined && !step.until(said));
    if (!isEarly) return seen(said, step, side);
    if (Date.now() > end) throw new Error(`${nameOf(step)}: ${side.api.url} still says ${JSON.stringify(said.body)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** A worker assigns its work anew after each change, and asks to be asked again: with 409, sometimes with 400 or 500. */
function isRebalancing({ status, body }: Said): boolean {
  return status >= 400 && /rebalanc|haven't stopped completely/i.test(String(body?.message));
}

function seen({ status, headers, body }: Said, { look }: Step, side: Side): unknown {
  const common = inCommonWords(body, side);
  return {
    status,
    type: headers.get('content-type'),
    location: inCommonWords(headers.get('location'), side),
    allow: headers.get('allow')?.split(/, ?/).sort().join() ?? null,
    body: look === undefined || common === undefined || status >= 400 ? common : look(common),
  };
}

function inCommonWords(value: unknown, { words }: Side): unknown {
  if (value === undefined || value === null) return value;
  return JSON.parse(words.reduce((text, [own, common]) => text.replaceAll(own, common), JSON.stringify(value)));
}

function differencesOf(what: string, worker: unknown, ours: unknown): Omit<Difference, 'step'>[] {
  if (isTree(worker) && isTree(ours) && Array.isArray(worker) === Array.isArray(ours)) {
    const keys = [...new Set([...Object.keys(worker), ...Object.keys(ours)])];
    return keys.flatMap((key) => differencesOf(what === '' ? key : `${what}.${key}`, worker[key], ours[key]));
  }
  return Object.is(worker, ours) ? [] : [{ what, worker, ours }];
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
