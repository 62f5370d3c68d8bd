import type { Message } from '../../core/message.ts';
import { isMadeOf, type Step } from '../../sdk/connect-messages.ts';
import type { ConnectTemplate } from '../../sdk/connect-template.ts';
import { together } from '../../sdk/template-value.ts';

/** A step whose message is made. */
export interface ReadyStep extends Omit<Step, 'send'> {
  /** How it is called in errors. */
  readonly what: string;
  /** A function: it uses the reply to an earlier message, and is made when that has come. undefined: nothing is sent. */
  readonly send: string | ConnectTemplate | undefined;
  /** Whether one of its values is missing: then no reply is waited for, either. */
  readonly isSkipped: boolean;
  /** Whether it is made of keys, so that it may contain a signature. */
  readonly hasSecrets: boolean;
}

/**
 * Makes the first messages of a connection, at once unless an expression needs JSONata. `resume` is the last one, and is left
 * out without a cursor. Throws, or rejects with, an Error that names the message.
 */
export function openingOf(
  subscribe: readonly Step[],
  resume: ConnectTemplate | undefined,
  values: Message,
): readonly ReadyStep[] | Promise<readonly ReadyStep[]> {
  const steps = subscribe.map((step, at) => ({ ...step, what: `message ${at + 1} of subscribe` }));
  if (resume !== undefined && values.meta.cursor !== undefined)
    steps.push({ send: resume, timeout: 0, what: 'resume.message' });
  const replies = new Set<string>();
  const texts = steps.map(({ send, as, what }) => {
    const isLate = send?.uses.some(([name = '']) => replies.has(name)) === true;
    if (as !== undefined) replies.add(as);
    return send === undefined || isLate ? send : madeText(send, values, what);
  });
  return together(texts, (found) =>
    steps.map((step, at) => {
      const send = found[at] as ReadyStep['send'];
      const isSkipped = send === undefined && step.send !== undefined;
      return { ...step, send, isSkipped, hasSecrets: isMadeOf(step, 'secrets') };
    }),
  );
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
