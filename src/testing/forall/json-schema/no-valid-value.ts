import { TidegateError } from '../../../core/errors.ts';

/** Why nothing can be generated for a part of a schema: `place` is its JSON pointer, such as `#/properties/total`. */
export interface NoValue {
  readonly place: string;
  readonly why: string;
}

export function noValidValue({ place, why }: NoValue, cause?: unknown): TidegateError {
  return new TidegateError(
    'TG_CONFIG_INVALID',
    `no message fits the schema: ${place}: ${why}; change this part, or give messages in input in place of forall`,
    cause,
  );
}
