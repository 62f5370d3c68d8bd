import { TidegateError } from '../core/errors.ts';
import type { Headers } from '../core/headers.ts';

/** Bytes. Headers may not make a dead letter too large themselves. */
const MAX_ERROR_TEXT = 8_192;

/** What went wrong with a message in a processor, and where. */
export class ProcessorFailure extends TidegateError {
  /** Where the processor is, as `processors[0].validate`. */
  readonly place: string;
  /** `on_error: fail`: the message is neither skipped nor made a dead letter. */
  readonly isFinal: boolean;

  constructor({ code, message, cause, stack }: TidegateError, place: string, isFinal = false) {
    super(code, message, cause);
    if (stack !== undefined) this.stack = stack;
    this.place = place;
    this.isFinal = isFinal;
  }
}

/** The same failure, which neither a dead letter nor a skip makes good. */
export function final(failure: TidegateError): ProcessorFailure {
  return new ProcessorFailure(failure, failure instanceof ProcessorFailure ? failure.place : '', true);
}

/** The header of a failed message that says where it failed. */
export const FAILED_AT = 'tidegate-error-processor';

/** Headers that say what went wrong, why and where. */
export function failureHeaders(failure: TidegateError): Headers {
  const headers: [string, string][] = [
    ['tidegate-error-code', failure.code],
    ['tidegate-error-message', cut(failure.message)],
  ];
  if (failure instanceof ProcessorFailure && failure.place !== '') headers.push([FAILED_AT, failure.place]);
  return headers;
}

/** Whole characters only. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_ERROR_TEXT) return text;
  return bytes.toString('utf8', 0, MAX_ERROR_TEXT).replace(/\uFFFD$/, '');
}
