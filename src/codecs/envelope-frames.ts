import { type ExactNumber, type Frame, type Outcome, type Rejection, writeJson } from '../sdk/index.ts';

/* The frames that the gateway sends in the codec `envelope`. */

/** Of a message, as its client wrote it. */
export type Id = string | number | ExactNumber | undefined;

/** The content of an ACK. Existing clients expect the first one, letter for letter. */
const ACK_TEXTS: Readonly<Record<Outcome, string>> = {
  stored: 'Message published',
  filtered: 'Message filtered out, it is not published',
  dead_letter: 'Message cannot be processed, it is kept as a dead letter and not published',
};

/** ECMAScript's last millisecond. */
const MAX_TIME = 8_640_000_000_000_000;

/** What is undefined is left out. */
export function ackFrame(outcome: Outcome | undefined, id: Id, now: number): Frame {
  return text({ messageType: 'ACK', content: ACK_TEXTS[outcome ?? 'stored'], timestamp: iso(now), id, outcome });
}

export function errorFrame(id: Id, code: string, message: string, retryable: boolean, now: number): Frame {
  return text({
    messageType: 'ERROR',
    content: message,
    timestamp: iso(now),
    ...(id === undefined ? {} : { id }),
    code,
    retryable,
  });
}

export function ask(_state: unknown, within: number, now: number): Frame {
  const content = `Your token has expired; send a new one within ${within} s`;
  return text({ messageType: 'SYSTEM', content, timestamp: iso(now), tokenExpired: true, within });
}

export function renewed(
  _state: unknown,
  correlation: unknown,
  rejection: Rejection | null,
  now: number,
  expires: number | undefined,
): Frame {
  // What the effect had.
  const id = correlation as Id;
  if (rejection !== null) return errorFrame(id, rejection.code, rejection.message, rejection.retryable, now);
  const until = expires !== undefined && isTime(expires) ? { expires: iso(expires) } : {};
  return text({ messageType: 'ACK', content: 'Token accepted', timestamp: iso(now), id, ...until });
}

export function text(value: unknown): Frame {
  return { data: writeJson(value) ?? 'null', binary: false };
}

/** Other producers write -1 for "none", or micro- and nanoseconds, which Date does not know. */
export function isTime(milliseconds: number): boolean {
  return milliseconds > 0 && milliseconds <= MAX_TIME;
}

export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
