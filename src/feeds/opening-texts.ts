import type { Message } from '../core/message.ts';
import type { Step } from '../sdk/connect-messages.ts';
import type { ConnectTemplate } from '../sdk/connect-template.ts';
import { together } from '../sdk/template-value.ts';

/** A step whose message is made. */
export interface ReadyStep extends Omit<Step, 'send'> {
  /** undefined if one of its values is missing. */
  readonly text: string | undefined;
}

export interface Opening {
  readonly steps: readonly ReadyStep[];
  /** Sent after the steps. */
  readonly resume: string | undefined;
}

/**
 * Makes the first messages of a connection, at once unless an expression needs JSONata. `resume` is left out without a
 * cursor. Throws, or rejects with, an Error that names the message.
 */
export function openingOf(
  steps: readonly Step[],
  resume: ConnectTemplate | undefined,
  values: Message,
): Opening | Promise<Opening> {
  const texts = steps.map(({ send }, at) => madeText(send, values, `message ${at + 1} of subscribe`));
  const last =
    resume === undefined || values.meta.cursor === undefined ? undefined : madeText(resume, values, 'resume.message');
  return together([...texts, last], (found) => ({
    steps: steps.map(({ send: _, ...step }, at) => ({ ...step, text: found[at] as string | undefined })),
    resume: found.at(-1) as string | undefined,
  }));
}

/** The text of a template. Throws, or rejects with, an Error that says which one it is: `what`. */
export function madeText(make: ConnectTemplate, values: Message, what: string): ReturnType<ConnectTemplate> {
  const fail = (error: unknown): never => {
    throw new Error(`${what} cannot be made: ${(error as Error).message}`);
  };
  try {
    const text = make(values);
    return text instanceof Promise ? text.catch(fail) : text;
  } catch (error) {
    return fail(error);
  }
}
