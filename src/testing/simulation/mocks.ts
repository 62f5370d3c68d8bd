import type { Processor } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';

/** What a labelled processor does in a test in place of its own work. */
export interface Mock {
  /** The fields of an object are put into a payload that is an object, in place of those of their names; anything else is the payload. */
  readonly json?: unknown;
  /** The payload. */
  readonly text?: string;
  /** The message fails with this text. */
  readonly error?: string;
}

/** By the label of the processor. */
export type Mocks = Readonly<Record<string, Mock>>;

/** A processor that does what its mock says. */
export function mockProcessor(label: string, { json, text, error }: Mock): Processor {
  return {
    process: (message) => {
      if (error !== undefined) throw new TidegateError('TG_PROCESSOR_FAILED', `${label}: ${error}`);
      if (text !== undefined) return message.derive({ payload: Buffer.from(text) });
      if (json === undefined) return message;
      return message.derive({ json: isObject(json) ? { ...objectIn(message), ...json } : json });
    },
  };
}

function objectIn(message: Message): object {
  try {
    const { json } = message;
    return isObject(json) ? json : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
