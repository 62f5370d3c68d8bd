import { TidegateError } from '../../../core/errors.ts';

/** Why a payload is not what it should be; the processor says before it what was to be done with it. */
export function invalid(why: string): TidegateError {
  return new TidegateError('TG_MESSAGE_INVALID', why);
}

/** The same failure with what was to be done in front of it; what is no failure of a message stays as it is. */
export function during(what: string, error: unknown): unknown {
  if (!(error instanceof TidegateError) || error.code !== 'TG_MESSAGE_INVALID') return error;
  return new TidegateError(error.code, `${what}: ${error.message}`, error.cause);
}
